"""Who waits for the person: from a question to what ends it, in the order of a real client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.state import LedgerState
from cco.ledger.waiting import MAX_CALLS, MAX_WAITS

BASH = {"tool_name": "Bash", "tool_input": {"command": "make SECRET"}}
AGENT = {"agent_id": "a", "agent_type": "cco:debugger"}


class Told:
    """One session, as hooks and telemetry tell of it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.ledger = Ledger(clock=lambda: self.now)

    def hook(self, event: str, **payload: Any) -> None:
        self.ledger.record_hook(event, {"session_id": "s", **payload})

    def asked(self, call_id: str, **payload: Any) -> None:
        """A call starts, and the person is asked about it."""
        self.hook("PreToolUse", tool_use_id=call_id, **payload)
        self.hook("PermissionRequest", **payload)

    def decided(self, call_id: str, session_id: str = "s") -> None:
        told = {"session.id": session_id, "tool_use_id": call_id, "decision": "reject"}
        assert self.ledger.record_log(LogRecord("tool_decision", told)) is False

    @property
    def waiting(self) -> list[dict[str, Any]]:
        waiting: list[dict[str, Any]] = self.ledger.session("s").document()["waiting"]
        return waiting

    @property
    def tools(self) -> list[str]:
        return [one["tool"] for one in self.waiting]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(one.data) for one in self.ledger.feed.since(0) if one.kind == kind]


def test_who_waits_since_when_and_for_what() -> None:
    told = Told()
    told.hook("SubagentStart", **AGENT)
    assert told.waiting == []
    told.asked("1", **BASH)
    told.now += 5
    told.asked("2", **AGENT, tool_name="Write", tool_input={"file_path": "/x"})
    assert told.waiting == [
        {"agent_id": None, "agent": None, "tool": "Bash", "since": 1_000.0},
        {"agent_id": "a", "agent": "debugger", "tool": "Write", "since": 1_005.0},
    ]
    first, second = told.events("waiting")
    assert ("agent" in first, first["tool"]) == (False, "Bash")
    assert (second["agent"], second["tool"]) == ("debugger", "Write")
    told.now += 7.5
    told.hook("PostToolUse", tool_use_id="2", **AGENT, tool_name="Write")
    (answered,) = told.events("answered")
    assert (answered["agent"], answered["tool"], answered["waited_s"]) == ("debugger", "Write", 7.5)
    assert told.tools == ["Bash"]


def test_nothing_of_the_command_is_told_or_written_down() -> None:
    told = Told()
    state = LedgerState(told.ledger)
    told.asked("1", **BASH)
    lines = list(state.everything())
    events = [one.data for one in told.ledger.feed.since(0)]
    assert "SECRET" not in repr((lines, events, told.waiting, told.ledger.session("s").waits))
    restored = LedgerState(Ledger())
    for line in lines:
        restored.restore(json.loads(line))
    assert restored.ledger.session("s").document()["waiting"] == []


@pytest.mark.parametrize("event", ["PostToolUse", "PostToolUseFailure"])
def test_a_result_ends_the_question_of_its_call(event: str) -> None:
    told = Told()
    told.asked("1", **BASH)
    told.hook(event, tool_use_id="another", **BASH)
    assert told.tools == ["Bash"]
    told.hook(event, tool_use_id="1", **BASH)
    assert told.tools == []


def test_an_answer_ends_it_before_the_tool_is_done_and_after_a_refusal() -> None:
    told = Told()
    told.asked("1", **BASH)
    told.decided("2")
    told.decided("1", session_id="another")
    told.decided("")
    assert told.tools == ["Bash"]
    told.decided("1")
    assert told.tools == []


def test_telemetry_of_a_question_that_is_over_ends_no_other() -> None:
    """It comes a second later, when the next call may ask already."""
    told = Told()
    told.asked("1", **BASH)
    told.hook("PostToolUse", tool_use_id="1", **BASH)
    told.asked("2", **BASH)
    told.decided("1")
    assert told.tools == ["Bash"]


def test_calls_at_once_ask_one_by_one() -> None:
    told = Told()
    read = {"tool_name": "Read"}
    paths = {"1": "/etc/hosts", "2": "/allowed", "3": "/etc/passwd"}
    for call_id, path in paths.items():
        told.hook("PreToolUse", tool_use_id=call_id, **read, tool_input={"file_path": path})
    for call_id in ("1", "3"):
        told.hook("PermissionRequest", **read, tool_input={"file_path": paths[call_id]})
    for call_id, left in (("2", 2), ("1", 1), ("3", 0)):
        told.hook("PostToolUse", tool_use_id=call_id, **read)
        assert len(told.waiting) == left


@pytest.mark.parametrize("event", ["UserPromptSubmit", "Stop"])
def test_a_prompt_and_a_stop_end_what_the_session_itself_asked(event: str) -> None:
    told = Told()
    told.asked("1", **BASH)
    told.asked("2", **AGENT, **BASH)
    told.hook(event)
    assert [one["agent_id"] for one in told.waiting] == ["a"]
    told.hook("SubagentStop", **AGENT)
    assert told.waiting == []


@pytest.mark.parametrize(
    ("event", "source", "left"),
    [("SessionEnd", "", 0), ("SessionStart", "resume", 0), ("SessionStart", "compact", 1)],
)
def test_an_end_and_a_new_beginning_leave_no_question(event: str, source: str, left: int) -> None:
    told = Told()
    told.asked("1", **AGENT, **BASH)
    told.hook(event, source=source)
    assert len(told.waiting) == left


def test_a_question_that_is_told_late_brings_no_session_back() -> None:
    """It is told beside the question: where nobody is asked, the session may have ended by then."""
    told = Told()
    told.hook("PreToolUse", tool_use_id="1", **BASH)
    told.hook("SessionEnd")
    told.hook("PermissionRequest", **BASH)
    assert told.ledger.session("s").ended_at is not None
    assert told.waiting == told.events("waiting") == []


def test_a_question_whose_call_was_not_heard_of_ends_with_any_result_of_the_same() -> None:
    told = Told()
    told.hook("PermissionRequest", **BASH)
    told.hook("PermissionRequest", **AGENT, **BASH)
    told.hook("PostToolUse", tool_use_id="9", **BASH)
    assert [one["agent_id"] for one in told.waiting] == ["a"]


def test_questions_and_calls_are_bounded() -> None:
    told = Told()
    for number in range(3 * MAX_CALLS):
        payload = {"tool_name": "T" * 1_000, "tool_input": {"number": number}}
        told.asked(str(number), **payload)
    assert len(told.waiting) == MAX_WAITS
    assert len(told.tools[0]) <= 200
    waits = told.ledger.session("s").waits
    assert len(waits._calls) == MAX_CALLS


@pytest.mark.parametrize("nonsense", [None, 5, [], {"a": [float("nan")]}, "\ud83d"])
def test_nonsense_breaks_nothing(nonsense: Any) -> None:
    told = Told()
    told.hook("PermissionRequest", tool_name=nonsense, tool_input=nonsense, agent_id=nonsense)
    told.hook("PreToolUse", tool_use_id=nonsense, tool_input=nonsense)
    told.hook("PostToolUse", tool_use_id=nonsense, agent_id=nonsense)
    assert told.waiting == []
    told.ledger.record_log(LogRecord("tool_decision", {"session.id": "s", "tool_use_id": nonsense}))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"status_code": 529, "attempt": 2, "model": "opus", "error": "SECRET"},
            {"status_code": 529, "attempt": 2, "model": "opus"},
        ),
        (
            {"status_code": "429", "agent_id": "a"},
            {"status_code": 429, "attempt": 1, "model": None, "agent": "debugger"},
        ),
        ({"status_code": 10**30}, {"status_code": None}),
        ({"error": "Connection error."}, {"status_code": None, "attempt": 1}),
    ],
)
def test_a_failed_call_says_why_in_figures(
    attributes: dict[str, Any], expected: dict[str, Any]
) -> None:
    told = Told()
    told.hook("SubagentStart", **AGENT)
    assert told.ledger.record_log(LogRecord("api_error", {"session.id": "s", **attributes}))
    (event,) = told.events("call.failed")
    assert {name: event[name] for name in expected} == expected
    assert ("agent" in event) == ("agent_id" in attributes)
    assert "SECRET" not in repr(event)
