"""The daemon's log: what it shows, what it never holds, and that it stays bounded."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cco.catalogue.markdown import load_markdown
from cco.daemon.log import KEPT_FILES, MAX_BYTES
from tests.conftest import Sandbox, wait_until

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (INFO|WARNING|ERROR) +\S.*")
MARKER = "Xylophone-7719"


def log_file(sandbox: Sandbox) -> Path:
    (path,) = (sandbox.home / ".local/state/cco").glob("daemon-*.log")
    return path


def logged(sandbox: Sandbox) -> str:
    folder = sandbox.home / ".local/state/cco"
    return "".join(path.read_text() for path in sorted(folder.iterdir()))


def test_the_log_can_be_printed(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart", "first", source="startup")
    sandbox.hook("SessionStart", "second", source="startup")
    lines = sandbox.ok("daemon", "logs").splitlines()
    assert "serves on port" in lines[0]
    assert all(LINE.fullmatch(line) for line in lines)
    assert sandbox.ok("daemon", "logs", "-n", "1").splitlines() == lines[-1:]
    assert sandbox.ok("daemon", "logs", "--lines", "2").splitlines() == lines[-2:]
    assert sandbox.ok("daemon", "logs", "-n", "0") == ""
    sandbox.ok("daemon", "stop")
    assert "stopped" in sandbox.ok("daemon", "logs").splitlines()[-1]


def test_without_a_log_there_is_advice(source_sandbox: Sandbox) -> None:
    result = source_sandbox.run("daemon", "logs")
    assert result.code == 9
    assert result.out == ""
    assert "cco daemon start" in result.err


@pytest.mark.parametrize("lines", ["-1", "many", "100001"])
def test_a_number_of_lines_that_is_none_is_a_usage_error(
    source_sandbox: Sandbox, lines: str
) -> None:
    assert source_sandbox.run("daemon", "logs", "-n", lines).code == 2


@contextmanager
def follower(sandbox: Sandbox, lines: int) -> Iterator[subprocess.Popen[bytes]]:
    process = sandbox.start("daemon", "logs", "--follow", "-n", str(lines))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def next_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().rstrip("\n")


def test_following_sees_what_is_added_and_survives_rotation(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    path = log_file(sandbox)
    with follower(sandbox, 1) as process:
        assert "serves on port" in next_line(process)
        sandbox.hook("SessionStart", "added-later", source="startup")
        assert "added-later" in next_line(process)
        os.rename(path, path.with_name(path.name + ".1"))
        path.write_text("a new file\n")
        assert next_line(process) == "a new file"
        with path.open("a") as file:
            file.write("half a ")
            file.flush()
            file.write("größere line\n")
        assert next_line(process) == "half a größere line"


def test_following_ends_quietly_when_interrupted(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    with follower(source_sandbox, 1) as process:
        assert "serves on port" in next_line(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode in (0, 130)
    assert (out, err) == (b"", b"")


def send_everything_with_the_marker(sandbox: Sandbox) -> None:
    """What a session sends, with a marker wherever a person or a model says something."""
    sandbox.hook("SessionStart", source="startup", cwd="/project", model="opus")
    sandbox.hook("UserPromptSubmit", prompt=f"please {MARKER}")
    for event in ("PreToolUse", "PostToolUse"):
        sandbox.hook(
            event,
            tool_name="Write",
            tool_input={"file_path": f"/project/{MARKER}", "content": MARKER},
            tool_response={"content": MARKER},
        )
    sandbox.hook("SubagentStart", agent_id="a1", agent_type="cco:chief-architect")
    sandbox.hook(
        "SubagentStop",
        agent_id="a1",
        agent_type="cco:chief-architect",
        last_assistant_message=MARKER,
    )
    sandbox.hook("PreCompact", trigger="manual", custom_instructions=MARKER)
    sandbox.hook("PostCompact", compact_summary=MARKER)
    sandbox.hook("SessionStart", source="compact")
    sandbox.hook("Stop", last_assistant_message=MARKER)
    attributes = [
        {"key": "event.name", "value": {"stringValue": "user_prompt"}},
        {"key": "session.id", "value": {"stringValue": "s"}},
        {"key": "prompt", "value": {"stringValue": MARKER}},
    ]
    records = {"scopeLogs": [{"logRecords": [{"attributes": attributes}]}]}
    sandbox.request("POST", "/v1/logs", {"resourceLogs": [records]})
    sandbox.request("POST", "/v1/logs", {"resourceLogs": MARKER})
    sandbox.request("POST", "/hooks/Stop", f'{{"session_id": "{MARKER}'.encode())
    for headers in ({"Authorization": f"Bearer {MARKER}"}, {"Host": MARKER}, {"Origin": MARKER}):
        sandbox.request("POST", "/hooks/Stop", {"session_id": "s"}, headers)
    sandbox.hook("SessionEnd", reason="other")


def test_nothing_that_was_said_is_in_the_log(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    token = sandbox.sealed().settings.token
    send_everything_with_the_marker(sandbox)
    sandbox.ok("daemon", "restart")
    sandbox.ok("daemon", "stop")
    text = logged(sandbox)
    assert "brief of cco:chief-architect delivered" in text
    assert MARKER not in text
    assert token not in text
    catalogue = load_markdown()
    said = "\n".join([catalogue.rules, *(agent.brief for agent in catalogue.agents)])
    assert not [line for line in said.splitlines() if len(line) > 20 and line in text]


def test_control_characters_neither_forge_lines_nor_reach_a_terminal(
    source_sandbox: Sandbox,
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    hostile = "x\n2026-01-01 00:00:00,000 INFO    forged\r\x1b[2J\x9b31m\u2028\u202e\ud83dend"
    assert sandbox.hook("SessionStart", hostile, source=hostile).status == 200
    data = log_file(sandbox).read_bytes()
    lines = data.decode().split("\n")
    assert lines.pop() == ""
    assert all(LINE.fullmatch(line) for line in lines)
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    assert "\\x1b" in lines[1]
    assert all(line.isprintable() for line in sandbox.ok("daemon", "logs").splitlines())


def test_one_event_cannot_fill_the_log(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    much = MARKER * 100_000
    payload = {"session_id": much, "source": much, "agent_type": f"cco:{much}", "agent_id": much}
    for event in ("SessionStart", "SubagentStart", "PreCompact", "SessionEnd"):
        assert sandbox.request("POST", f"/hooks/{event}", payload).status == 200
    assert log_file(sandbox).stat().st_size < 10_000


def test_a_log_that_grows_is_rotated_and_stays_readable(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    sandbox.ok("daemon", "stop")
    path = log_file(sandbox)
    path.write_bytes(b"2026-01-01 00:00:00,000 INFO    old\n" * (MAX_BYTES // 36))
    for number in range(1, KEPT_FILES + 1):
        path.with_name(f"{path.name}.{number}").write_text(f"older {number}\n")
    sandbox.ok("daemon", "start")
    wait_until(lambda: path.stat().st_size < MAX_BYTES // 2, "the rotation")
    files = sorted(path.parent.iterdir())
    assert len(files) == KEPT_FILES + 1
    assert all(file.stat().st_size <= MAX_BYTES for file in files)
    assert path.stat().st_mode & 0o777 == 0o600
    assert "serves on port" in sandbox.ok("daemon", "logs", "-n", "1")


def test_a_start_that_fails_is_in_the_log(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        assert sandbox.run("daemon", "start", "--port", str(taken)).code == 4
    assert f"did not start: port {taken} is taken" in sandbox.ok("daemon", "logs", "-n", "1")


def test_the_status_names_the_log(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    status = json.loads(source_sandbox.ok("daemon", "status", "--json"))
    assert Path(status["log"]) == log_file(source_sandbox)
