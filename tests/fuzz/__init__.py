"""Whatever comes from outside is taken or refused, and nothing else happens.

`targets` are fuzzed by `make fuzz`, guided by coverage; `make test` replays their `corpus`. The
tests hold properties of everything that reads what others wrote:

    sealed files, envelope, manifest    targets/unsealing, unit/test_sealing_properties
    the sealed history                  targets/history, test_ledger_machine, unit/test_journal*
    hook payloads, status line          targets/hooks, test_hook_payloads
    OTLP logs and metrics               targets/telemetry, test_otlp_second_implementation
    JSON of requests and settings       test_json_second_implementation
    MCP messages                        targets/mcp
    addresses, parameters, cursors      targets/api, test_parameters, integration/test_api_fuzzed
    Host, Origin, token, other headers  test_http_headers
    notes, budgets                      targets/api, unit/test_notes, unit/test_budget
    definitions of specialists          targets/definitions, test_settings_values
    config.toml, CCO_* variables        targets/settings, test_settings_values, test_command_line
    Claude Code's settings              targets/settings, unit/test_user_settings
    arguments, options of hooks         test_command_line
    answers on the daemon's port       test_daemon_answers
    machine id, account name            test_machine
    what `claude --version` prints      test_claude_program
    PATH, start-up files, the record    test_installation_inputs, unit/test_installation
    paths and `.git` files              test_places
    keys, columns, what is printed      test_terminal, unit/test_output, unit/test_top,
                                        unit/test_top_screen
"""
