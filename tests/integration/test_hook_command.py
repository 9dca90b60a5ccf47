"""`cco hook` and `cco statusline`: quick, quiet, and able to bring a dead daemon back."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from cco.sealing import names
from tests.conftest import Result, Sandbox

EVENT = b'{"session_id": "s", "source": "startup"}'


def session(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """The environment that a launched Claude Code gives its commands."""
    # a revival must not depend on what a new shell would prefer
    return sandbox.session_environment(**{"CCO_PORT": "1", **more})


def assert_quietly_failed(result: Result) -> None:
    """Exit code 1 and one line: Claude Code shows it and goes on."""
    assert result.code == 1, result
    assert result.out == ""
    assert result.err.startswith("cco: error: ")
    assert len(result.err.splitlines()) == 1
    assert "defect of cco" not in result.err


def test_a_session_start_gets_the_rules(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    result = sandbox.run("hook", "SessionStart", stdin=EVENT, env=session(sandbox))
    assert (result.code, result.err) == (0, "")
    output = json.loads(result.out)["hookSpecificOutput"]
    assert output["hookEventName"] == "SessionStart"
    rules = sandbox.sealed().open_member(names.RULES)["rules"]
    assert output["additionalContext"] == rules
    assert json.loads(sandbox.ok("sessions", "--json"))["sessions"][0]["session_id"] == "s"


def test_what_a_summary_must_keep_is_printed_as_lines(daemon: Sandbox) -> None:
    """Claude Code shows the user what the command printed, and gives it to the summariser."""
    result = daemon.run("hook", "PreCompact", stdin=EVENT, env=session(daemon))
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == daemon.hook("PreCompact").json()["instructions"]
    agents_own = b'{"session_id": "s", "agent_id": "a", "agent_type": "general-purpose"}'
    assert daemon.run("hook", "PreCompact", stdin=agents_own, env=session(daemon)).out == ""


@pytest.mark.parametrize("enabled", [None, "false", "", "TRUE", "1"])
@pytest.mark.parametrize("command", [["hook", "SessionStart"], ["statusline"]])
def test_outside_a_session_it_is_silent(
    source_sandbox: Sandbox, enabled: str | None, command: list[str]
) -> None:
    more = {} if enabled is None else {"ORCHESTRATOR_ENABLED": enabled}
    env = source_sandbox.environment(**more)
    assert source_sandbox.run(*command, stdin=b"anything", env=env) == Result(0, "", "")
    assert list(source_sandbox.temp.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["Stop", "more"], [""], ["../x"], ["Stop "], ["--help"], ["É"], ["x" * 41],
     ["Stop", "--launch"], ["Stop", "--launch", ""], ["Stop", "--launch", "a\r\nX: b"],
     ["Stop", "--launch", "x" * 41], ["Stop", "--other", "1"], ["Stop", "--launch", "é"]],
)  # fmt: skip
def test_a_wrong_use_is_a_usage_error(source_sandbox: Sandbox, arguments: list[str]) -> None:
    result = source_sandbox.run("hook", *arguments)
    assert (result.code, result.out) == (2, "")
    assert "usage: cco hook EVENT" in result.err
    assert source_sandbox.run("statusline", "more").code == 2


@pytest.mark.parametrize("command", [["hook", "SessionStart"], ["statusline"]])
def test_a_daemon_that_was_killed_comes_back_as_it_was(
    sandbox: Sandbox, command: list[str]
) -> None:
    sandbox.ok("daemon", "start")
    env, before = session(sandbox), sandbox.sealed().settings
    sandbox.kill_daemon()
    result = sandbox.run(*command, stdin=EVENT, env=env)
    assert (result.code, result.err) == (0, "")
    assert result.out
    after = sandbox.sealed().settings
    assert (after.port, after.token) == (before.port, before.token)
    assert after.instance != before.instance
    assert len(sandbox.daemon_processes()) == 1


def test_the_doctors_probe_brings_no_daemon_back_and_is_recorded_nowhere(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    env = session(sandbox)
    answer = sandbox.run("hook", "Probe", stdin=b'{"probe": "word"}', env=env)
    assert (answer.code, json.loads(answer.out)) == (0, {"probe": "word"})
    assert sandbox.request("GET", "/api/v1/sessions").json()["sessions"] == []
    sandbox.kill_daemon()
    assert_quietly_failed(sandbox.run("hook", "Probe", stdin=b"{}", env=env))
    assert sandbox.daemon_processes() == []


def test_a_daemon_that_was_stopped_stays_stopped(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    env = session(sandbox)
    sandbox.ok("daemon", "stop")
    assert_quietly_failed(sandbox.run("hook", "SessionStart", stdin=EVENT, env=env))
    line = sandbox.run("statusline", stdin=EVENT, env=env)
    assert (line.code, line.err) == (0, "")
    assert line.out == "cco · daemon not running\n"
    assert list(sandbox.temp.iterdir()) == []
    assert sandbox.daemon_processes() == []


def test_a_stale_token_finds_the_daemon_of_the_folder(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    for stale in ({"CCO_TOKEN": "old"}, {"ORCHESTRATOR_API_URL": "http://localhost:1"},
                  {"ORCHESTRATOR_API_URL": "nonsense"}, {"CCO_TOKEN": ""}):  # fmt: skip
        result = sandbox.run("hook", "Stop", stdin=EVENT, env=session(sandbox, **stale))
        assert result == Result(0, "", "")


def test_a_token_of_odd_bytes_is_only_a_wrong_token(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    env = session(source_sandbox, CCO_TOKEN="\udcff\udcfe")
    assert source_sandbox.run("hook", "Stop", stdin=EVENT, env=env) == Result(0, "", "")


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"\xff\xfe", b"{}", b'{"session_id": 5}', b"[" * 100_000, bytes(1000)],
    ids=range(8),
)
def test_what_is_no_event_is_reported_in_a_line(daemon: Sandbox, payload: bytes) -> None:
    env = session(daemon)
    assert_quietly_failed(daemon.run("hook", "Stop", stdin=payload, env=env))
    line = daemon.run("statusline", stdin=payload, env=env)
    assert (line.code, line.err) == (0, "")


def test_an_unknown_event_is_reported_in_a_line(daemon: Sandbox) -> None:
    assert_quietly_failed(daemon.run("hook", "Nothing", stdin=EVENT, env=session(daemon)))


def test_an_oversized_event_is_reported_in_a_line(daemon: Sandbox) -> None:
    payload = b'{"session_id": "s", "x": "' + b"x" * (32 << 20) + b'"}'
    result = daemon.run("hook", "Stop", stdin=payload, env=session(daemon))
    assert_quietly_failed(result)
    assert "bytes" in result.err
    line = daemon.run("statusline", stdin=payload, env=session(daemon))
    assert (line.code, line.err) == (0, "")
    assert daemon.request("GET", "/health", token=False).status == 200


def test_a_large_event_arrives(daemon: Sandbox) -> None:
    payload = b'{"session_id": "large", "x": "' + b"x" * (20 << 20) + b'"}'
    assert daemon.run("hook", "Stop", stdin=payload, env=session(daemon)) == Result(0, "", "")
    assert daemon.request("GET", "/api/v1/sessions/large").status == 200


def test_a_tampered_file_is_told_to_the_user(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    path = sandbox.temp / names.RULES
    path.write_bytes(path.read_bytes()[::-1])
    result = sandbox.run("hook", "SessionStart", stdin=EVENT, env=session(sandbox))
    assert (result.code, result.err) == (0, "")
    assert set(json.loads(result.out)) == {"systemMessage"}


@pytest.mark.parametrize(
    "command", ['"$@" <&-', '"$@" < /dev/null', 'echo "$EVENT" | "$@" >&-', '"$@" <&- >&- 2>&-']
)
def test_odd_streams_are_survived(daemon: Sandbox, command: str) -> None:
    for arguments in (["hook", "Stop"], ["statusline"]):
        process = subprocess.run(
            ["/bin/sh", "-c", command, "sh", *daemon.command, *arguments],
            env=session(daemon, EVENT=EVENT.decode()),
            capture_output=True,
            check=False,
        )
        assert process.returncode in (0, 1, 141), process
        assert b"Traceback" not in process.stderr
        assert b"defect of cco" not in process.stderr


def test_a_reader_that_goes_away_is_no_error_to_speak_of(daemon: Sandbox) -> None:
    for arguments in (["hook", "SessionStart"], ["statusline"]):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as closed:
            process = subprocess.run(
                [*daemon.command, *arguments],
                env=session(daemon),
                input=EVENT,
                stdout=closed,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert (process.returncode, process.stderr) == (141, b"")


def test_the_status_line_fits_any_terminal(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    env = session(sandbox)
    for number in range(30):
        agent = {"agent_id": str(number), "agent_type": f"cco:{'agent' * 20}-{number}"}
        sandbox.hook("SubagentStart", "s", **agent)
    payload = {
        "session_id": "s",
        "cost": {"total_cost_usd": 12.5},
        "context_window": {"used_percentage": 99.9},
        "model": {"id": "x" * 500},
    }
    result = sandbox.run("statusline", stdin=json.dumps(payload).encode(), env=env)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("cco · $12.50 · 30 running")
    assert result.out.endswith("\n")
    assert len(result.out) <= 120
    assert result.out.strip().isprintable()


def test_the_status_line_prints_utf8_in_any_locale(daemon: Sandbox) -> None:
    env = session(daemon, LC_ALL="C")
    assert "·" in daemon.run("statusline", stdin=EVENT, env=env).out


def test_a_cco_folder_in_the_project_is_not_run(daemon: Sandbox) -> None:
    """Claude Code runs the hook in the project's folder, which may hold anything."""
    for name in ("cco", "json", "socket"):
        folder = Path(daemon.project, name)
        folder.mkdir()
        (folder / "__init__.py").write_text("raise SystemExit('imported from the project')\n")
    bridge = json.loads((daemon.temp / names.BRIDGE).read_text())
    command = bridge["hooks"]["SessionStart"][0]["hooks"][0]["command"]
    process = subprocess.run(
        ["/bin/sh", "-c", command],
        env={**session(daemon), "PYTHONPATH": str(daemon.project)},
        cwd=daemon.project,
        input=EVENT,
        capture_output=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, b"")
    assert b"additionalContext" in process.stdout
