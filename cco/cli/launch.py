"""cco [arguments]: make sure of the daemon, then become Claude Code."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cco.build_info import VERSION
from cco.claude.arguments import UserArguments
from cco.cli.output import print_note
from cco.config import NOT_A_BUDGET, OFF, Config, budget_usd, load_config, personal_fingerprint
from cco.errors import (
    CcoError,
    ClaudeNotExecutable,
    ClaudeNotFound,
    ClaudeTooOld,
    SealedFileMissing,
    SealedFileUnsafe,
    UsageInvalid,
)
from cco.folders import current_folder, temp_folder
from cco.own_command import self_command

_FAILED = 125
_DEPTH = "CCO_LAUNCH_DEPTH"
_MAX_DEPTH = 8


def run(arguments: Sequence[str], *, own_options: bool = True) -> int:
    """Launch; returns only on Windows or when it fails.

    Without `own_options` every argument is Claude Code's.
    Exit codes before the launch follow env(1): 125 cco itself, 126 not executable, 127 not found.
    """
    gc.disable()  # this process becomes another, or waits for one: no garbage is worth a search
    try:
        return _launch(list(arguments), own_options=own_options)
    except CcoError as error:
        from cco.cli import failure

        failure.report(error)
        own = isinstance(error, (ClaudeNotFound, ClaudeNotExecutable))
        return error.exit_code if own else _FAILED


def _launch(arguments: list[str], *, own_options: bool) -> int:
    from cco.claude import arguments as claude_arguments
    from cco.claude.environment import plain_environment
    from cco.claude.find import find_claude
    from cco.claude.start import start

    if own_options and arguments and not arguments[0].startswith("-"):
        _refuse_a_slip(arguments)
    config = load_config()
    program = find_claude(config.claude, os.environ)
    depth = _depth(os.environ)
    if depth >= _MAX_DEPTH:
        raise ClaudeNotExecutable(
            f"{program} leads back to cco", advice="Name the real program in CCO_CLAUDE."
        )
    off = os.environ.get("ORCHESTRATOR_ENABLED", "").lower() in OFF
    if not claude_arguments.runs_a_session(arguments):
        argv, env = arguments, plain_environment(os.environ)
        return start(program, argv, {**env, _DEPTH: str(depth + 1)})
    user = claude_arguments.parse(arguments, own_options=own_options)
    budget = config.session_budget_usd if user.budget is None else _amount(user.budget)
    if off and user.budget is not None:
        raise UsageInvalid(
            "nothing would keep to a --budget: ORCHESTRATOR_ENABLED turns the orchestration off",
            advice="Leave out one of the two.",
        )
    if off:
        argv, env = arguments, plain_environment(os.environ)
    else:
        argv, env = _orchestrate(program, user, os.environ, config, budget)
    return start(program, argv, {**env, _DEPTH: str(depth + 1)})


def _refuse_a_slip(words: Sequence[str]) -> None:
    """What is nearly a command of ours is no prompt worth a session's cost."""
    from cco.claude.arguments import runs_a_session
    from cco.cli.meant import command_meant

    command = command_meant(words)
    if command is not None:
        what = "a prompt for" if runs_a_session(words) else "a command of"
        raise UsageInvalid(
            f"cco has no command {words[0]!r}",
            advice=f"Did you mean: {command}?\nAs {what} Claude Code: cco -- {words[0]}",
        )


def _depth(environ: Mapping[str, str]) -> int:
    """How many launches this one is in: with a `claude` that calls cco it would never end."""
    text = environ.get(_DEPTH, "")
    return int(text) if text.isdecimal() and len(text) < 4 else 0


def _amount(text: str) -> float:
    amount = budget_usd(text)
    if amount is None:
        raise UsageInvalid(
            f"--budget {NOT_A_BUDGET}, not {text[:20]!r}", advice="For example: cco --budget 5"
        )
    return amount


def _orchestrate(
    program: Path,
    user: UserArguments,
    environ: Mapping[str, str],
    config: Config,
    budget: float | None,
) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment of an orchestrated session, its daemon running."""
    from cco.claude import arguments as claude_arguments
    from cco.claude import versions
    from cco.claude.bridge import bridge_settings, merge_settings, needs_own_hooks
    from cco.claude.environment import (
        orchestrated_environment,
        pinned_environment,
        plain_environment,
    )
    from cco.claude.user_settings import (
        exports_telemetry,
        load_appended,
        load_given,
        read_user_settings,
    )
    from cco.daemon import supervisor
    from cco.daemon.port_guard import hold_port
    from cco.sealing import names

    client = versions.installed_version(program)
    if client is not None and (reason := versions.shortcoming(client)) is not None:
        raise ClaudeTooOld(f"Claude Code {versions.spelled(client)} is too old: {reason}")
    folder = current_folder()
    given = None if user.settings is None else load_given(user.settings, folder)
    found = read_user_settings(folder, environ, given)
    for blocker in found.blockers:
        print_note(f"this session is not fully orchestrated: {blocker}")
    sealed = supervisor.ensure_running(config, print_note)
    hold_port(sealed.settings.port)
    policy = sealed.settings.policy
    if sealed.settings.version != VERSION:
        print_note(
            f"the daemon is of cco {sealed.settings.version}, and this is {VERSION}; "
            "cco daemon restart takes it up"
        )
    elif policy.get("personal") != personal_fingerprint():
        print_note("your settings or agents have changed; cco daemon restart takes them up")
    bridge = sealed.path(names.BRIDGE)
    own_line = found.has_status_line and policy.get("status_line")
    own_hooks = needs_own_hooks(client)
    port, base = sealed.settings.port, plain_environment(environ)
    elsewhere = found.exports_telemetry or exports_telemetry(base)
    pinned = pinned_environment(port, {**base, **found.proxy_exceptions}, telemetry=not elsewhere)
    own_environment = pinned != pinned_environment(port)
    if given is not None or own_line or own_hooks or own_environment or budget is not None:
        from cco.claude.plugin import mcp_permission, mcp_server

        launch_id = os.urandom(8).hex()
        ours = bridge_settings(
            port,
            self_command(),
            status_line=bool(policy.get("status_line")) and not found.has_status_line,
            allow=(mcp_permission(mcp_server(sealed.settings.token)),),
            env=pinned,
            launch_id=launch_id,
            budget_usd=budget,
            client=client,
        )
        bridge = sealed.path(f"{names.BRIDGE_COPY_PREFIX}{launch_id}.json")
        _write_copy(bridge, merge_settings(ours, given or {}))
    plugin = sealed.path(names.PLUGIN)
    _demand_ours(config, bridge, plugin)
    file = user.append_system_prompt_file
    argv = claude_arguments.orchestrated(
        user,
        settings=str(bridge),
        plugin=str(plugin),
        nudge=str(policy.get("nudge", "")),
        appended=None if file is None else load_appended(file, folder),
    )
    env = orchestrated_environment(base, sealed, temp_folder(), telemetry_elsewhere=elsewhere)
    return argv, env


def _demand_ours(config: Config, bridge: Path, plugin: Path) -> None:
    """Make sure that what says what Claude Code runs is ours: plain files, known by their names.

    What a cleaner took away the daemon puts back, unless another account was faster; what a restart
    is about to replace its successor has by the time it answers.
    Raises: SealedFileUnsafe, SealedFileMissing, CcoError.
    """
    from cco.daemon import supervisor
    from cco.daemon.rendezvous import ask_for_files
    from cco.sealing.private_files import private_folder_fault, read_private

    try:
        read_private(bridge)
        if not os.path.lexists(plugin):
            raise SealedFileMissing(f"{plugin} does not exist")
    except SealedFileMissing:
        ask_for_files(supervisor.ensure_running(config, print_note))
        read_private(bridge)
    if (fault := private_folder_fault(plugin)) is not None:
        raise SealedFileUnsafe(f"{plugin} {fault}", advice="Run: cco daemon restart")


def _write_copy(path: Path, document: Mapping[str, object]) -> None:
    import json

    from cco.sealing.private_files import write_private

    write_private(path, json.dumps(document).encode())
