"""What happened outlives the daemon's process, sealed, and goes when it is stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cco.errors import SealError
from cco.sealing import names
from cco.sealing.journal import LENGTH_BYTES, open_segments
from tests.conftest import Sandbox, free_port, wait_until

WORDS = "Please add the Xylophone"
KEEP = "CCO_KEEP_HISTORY"


def history(sandbox: Sandbox) -> Path:
    return sandbox.temp / names.HISTORY


def written(sandbox: Sandbox) -> str:
    """All that is in the file."""
    try:
        data = history(sandbox).read_bytes()
        return b"\n".join(open_segments(data, names.HISTORY, sandbox.sealed().identity)).decode()
    except (SealError, FileNotFoundError):
        return ""


def wait_until_written(sandbox: Sandbox, what: str) -> None:
    wait_until(lambda: what in written(sandbox), f"{what} in the history")


def send_calls(sandbox: Sandbox, sequences: range, session_id: str = "s") -> None:
    """A batch of telemetry: each call costs a tenth of a dollar, every other is of agent `a`."""
    records: list[dict[str, Any]] = []
    for sequence in sequences:
        told = {
            "event.name": "api_request",
            "session.id": session_id,
            "event.timestamp": f"t{sequence}",
            "model": "claude-opus" if sequence % 3 else "claude-haiku",
            "cost_usd": "0.1",
            "input_tokens": str(sequence),
        } | ({"agent_id": "a"} if sequence % 2 else {})
        attributes = [{"key": key, "value": {"stringValue": told[key]}} for key in told]
        attributes.append({"key": "event.sequence", "value": {"intValue": str(sequence)}})
        records.append({"attributes": attributes})
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    assert sandbox.request("POST", "/v1/logs", body).status == 200


def work(sandbox: Sandbox, session_id: str = "s") -> None:
    """A session with two agents, one of them done, a few calls and an edit."""
    sandbox.hook("SessionStart", session_id, source="startup", cwd="/project")
    sandbox.hook("UserPromptSubmit", session_id, prompt=WORDS)
    sandbox.hook("SubagentStart", session_id, agent_id="a", agent_type="cco:debugger")
    sandbox.hook("SubagentStart", session_id, agent_id="b", agent_type="cco:test-engineer")
    sandbox.hook(
        "PostToolUse", session_id, tool_name="Edit", tool_input={"file_path": "/project/x.py"}
    )
    send_calls(sandbox, range(10), session_id)
    sandbox.hook("SubagentStop", session_id, agent_id="b", agent_type="cco:test-engineer")


def figures(sandbox: Sandbox) -> dict[str, Any]:
    """All that the API tells."""
    return {
        target: sandbox.request("GET", f"/api/v1/{target}").json()
        for target in ("usage", "sessions", "sessions/s", "agents")
    }


def calls(sandbox: Sandbox) -> int:
    return int(sandbox.request("GET", "/api/v1/usage").json()["total"]["calls"])


def test_after_a_kill_every_figure_is_as_it_was(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    work(sandbox)
    before = figures(sandbox)
    assert before["usage"]["total"]["calls"] == 10
    wait_until_written(sandbox, '"done"')
    sandbox.kill_daemon()
    sandbox.ok("daemon", "start")
    assert figures(sandbox) == before
    send_calls(sandbox, range(5, 12))  # a batch that comes again, with two new calls in it
    assert calls(sandbox) == 12
    keep = sandbox.hook("PreCompact", trigger="auto").json()["instructions"]
    told = "\n".join(keep)
    assert WORDS in told
    assert "debugger (running" in told
    assert "/project/x.py" in told


def test_a_second_kill_loses_no_more(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart", source="startup")
    for number in range(3):
        send_calls(sandbox, range(10 * number, 10 * number + 10))
        expected = 10 * number + 10
        wait_until(
            lambda expected=expected: _calls_written(sandbox) == expected,  # type: ignore[misc]
            "the calls in the history",
        )
        sandbox.kill_daemon()
        sandbox.ok("daemon", "start")
        assert calls(sandbox) == expected


def _calls_written(sandbox: Sandbox) -> int:
    """The calls of the session's last record."""
    lines = [json.loads(line) for line in written(sandbox).splitlines()]
    sessions = [line["session"] for line in lines if line.get("kind") == "session"]
    return sum(usage[0] for _, usage in sessions[-1]["models"]) if sessions else 0


def test_a_notes_number_is_not_given_again_after_a_kill(sandbox: Sandbox) -> None:
    def leave(text: str) -> str:
        body = {"project": str(sandbox.project), "text": text, "author": "ana"}
        answer = sandbox.request("POST", "/api/v1/notes", body)
        assert answer.status == 201, answer
        return str(answer.json()["note_id"])

    sandbox.ok("daemon", "start")
    first, second = leave("the first"), leave("the second")
    assert sandbox.request("DELETE", f"/api/v1/notes/{second}").status in (200, 204)
    wait_until_written(sandbox, f'"last_note","number":{second}')
    sandbox.kill_daemon()
    sandbox.ok("daemon", "start")
    assert leave("the third") not in (first, second)


def test_a_restart_loses_nothing(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    work(sandbox)
    before = figures(sandbox)
    sandbox.ok("daemon", "restart")
    assert figures(sandbox) == before
    sandbox.ok("daemon", "restart")
    assert figures(sandbox) == before


def test_on_another_port_the_sessions_are_over_but_counted(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    work(sandbox)
    sandbox.ok("daemon", "restart", "--port", str(free_port()))
    session = sandbox.request("GET", "/api/v1/sessions/s").json()
    assert session["status"] == "ended"
    assert session["ended_at"] == session["last_seen_at"]
    assert {run["status"] for run in session["agents"]} == {"lost", "done"}
    assert calls(sandbox) == 10


def test_a_stop_takes_the_history_away(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    work(sandbox)
    assert names.HISTORY in sandbox.leftovers()
    sandbox.ok("daemon", "stop")
    assert sandbox.leftovers() == []
    sandbox.ok("daemon", "start")
    assert calls(sandbox) == 0


def test_a_history_that_is_to_be_kept_outlives_a_stop(sandbox: Sandbox) -> None:
    keeping = sandbox.environment(**{KEEP: "true"})
    sandbox.ok("daemon", "start", env=keeping)
    work(sandbox)
    sandbox.ok("daemon", "stop")  # as it was told at its start, whatever the stop's environment
    assert sandbox.leftovers() == [names.HISTORY]
    sandbox.ok("daemon", "start", env=keeping)
    assert calls(sandbox) == 10
    assert sandbox.request("GET", "/api/v1/sessions/s").json()["status"] == "ended"
    sandbox.hook("SessionStart", source="resume", cwd="/project")
    assert sandbox.request("GET", "/api/v1/sessions/s").json()["status"] == "running"
    sandbox.kill_daemon()
    sandbox.ok("daemon", "stop")
    assert sandbox.leftovers() == [names.HISTORY]
    sandbox.ok("daemon", "stop", env=keeping)
    assert sandbox.leftovers() == [names.HISTORY]
    sandbox.ok("daemon", "start")
    assert calls(sandbox) == 0
    assert "keep_history is off" in sandbox.log()
    sandbox.ok("daemon", "stop")
    assert sandbox.leftovers() == []


def test_nothing_in_the_file_can_be_read(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    session_id = "0a1b2c3d-session"
    work(sandbox, session_id)
    wait_until_written(sandbox, session_id)
    wait_until_written(sandbox, "Xylophone")
    data = history(sandbox).read_bytes()
    told = (session_id, "Xylophone", "debugger", "/project", "opus", "session", "kind", "calls")
    for word in told:
        assert word.encode() not in data
    assert "Xylophone" not in sandbox.log()


def flip(data: bytes) -> bytes:
    """The last byte: never one of a length, which may look like a segment cut off."""
    return data[:-1] + bytes([data[-1] ^ 1])


def swap_segments(data: bytes) -> bytes:
    parts = []
    while data:
        end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "big")
        parts.append(data[:end])
        data = data[end:]
    return b"".join([parts[0], *reversed(parts[1:])])


def foreign(data: bytes) -> bytes:
    return b"\0\0\0\x40" + bytes(64)


def empty(data: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [flip, swap_segments, foreign, empty])
def test_a_damaged_history_is_refused(
    source_sandbox: Sandbox, damage: Callable[[bytes], bytes]
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    work(sandbox, "s")
    wait_until_written(sandbox, '"done"')
    work(sandbox, "t")
    wait_until_written(sandbox, '"t"')
    sandbox.kill_daemon()
    path = history(sandbox)
    path.write_bytes(damage(path.read_bytes()))
    sandbox.ok("daemon", "start")
    assert calls(sandbox) == 0
    assert "the history is refused" in sandbox.log()
    work(sandbox)
    wait_until_written(sandbox, '"done"')
    sandbox.kill_daemon()
    sandbox.ok("daemon", "start")
    assert calls(sandbox) == 10


def test_a_last_segment_that_is_torn_costs_only_itself(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    work(sandbox, "s")
    wait_until_written(sandbox, '"done"')
    sandbox.kill_daemon()
    sandbox.ok("daemon", "start")  # all of it is in the first segments now
    sandbox.hook("Stop", "late")
    wait_until_written(sandbox, '"late"')
    sandbox.kill_daemon()
    path = history(sandbox)
    os.truncate(path, path.stat().st_size - 1)
    sandbox.ok("daemon", "start")
    assert calls(sandbox) == 10
    assert sandbox.request("GET", "/api/v1/sessions/late").status == 404
    assert "not written whole" in sandbox.log()


def test_a_history_of_an_earlier_run_is_refused(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    work(sandbox)
    wait_until_written(sandbox, '"done"')
    old = history(sandbox).read_bytes()
    sandbox.ok("daemon", "restart")
    sandbox.ok("daemon", "restart")
    sandbox.kill_daemon()
    history(sandbox).write_bytes(old)
    sandbox.ok("daemon", "start")
    assert calls(sandbox) == 0
    assert "belongs to another run" in sandbox.log()


def finding(sandbox: Sandbox) -> dict[str, str]:
    """What the doctor says of the history."""
    found = json.loads(sandbox.run("doctor", "--json").out)["findings"]
    (mine,) = [one for one in found if one["subject"] == names.HISTORY]
    return dict(mine)


def test_the_doctor_looks_at_the_history(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    assert finding(sandbox)["state"] == "ok"
    path = history(sandbox)
    path.write_bytes(flip(path.read_bytes()))
    assert finding(sandbox)["state"] == "problem"
    assert "does not open" in finding(sandbox)["detail"]


def open_to_others(path: Path) -> None:
    path.chmod(0o644)


def link(path: Path) -> None:
    path.rename(path.with_name("kept"))
    path.symlink_to("kept")


def unlink(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    os.truncate(path, 10)


@pytest.mark.parametrize("change", [open_to_others, link, unlink, cut])
def test_a_history_that_somebody_changed_is_written_anew(
    source_sandbox: Sandbox, change: Callable[[Path], None]
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    work(sandbox)
    wait_until_written(sandbox, '"done"')
    change(history(sandbox))
    sandbox.hook("Stop", "later")
    wait_until_written(sandbox, '"later"')
    assert '"done"' in written(sandbox)
    assert not history(sandbox).is_symlink()
    assert history(sandbox).stat().st_mode & 0o777 == 0o600
    sandbox.kill_daemon()
    sandbox.ok("daemon", "start")
    assert calls(sandbox) == 10
