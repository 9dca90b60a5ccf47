"""What a session's memory keeps for its compactions: little, bounded, and up to date."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.ledger.ledger import Ledger
from cco.ledger.memory import (
    MAX_DECISIONS,
    MAX_FAILURES,
    MAX_REPORTS,
    MAX_REQUESTS,
    MAX_TASKS,
    OPENING_CHARS,
    Memory,
)


def tool(memory: Memory, name: str, tool_input: Any = None, response: Any = None) -> None:
    memory.note_tool(name, {"tool_input": tool_input, "tool_response": response}, "somebody")


def failed(memory: Memory, command: str, error: str, **more: Any) -> None:
    memory.note_failure("Bash", {"tool_input": {"command": command}, "error": error, **more})


def test_the_first_request_stays_and_the_latest_follow_it() -> None:
    memory = Memory()
    for number in range(20):
        memory.note_request(f"request {number}")
    assert memory.first_request == "request 0"
    assert memory.latest_requests == [f"request {number}" for number in range(14, 20)]
    assert len(memory.latest_requests) == MAX_REQUESTS


@pytest.mark.parametrize(
    "said",
    [
        "/compact",
        "/compact keep the tests",
        "/my-plugin:deploy now",
        "<task-notification>\n<task-id>1",
        "<local-command-stdout>",
        "<command-name>/clear",
        "",
        "   ",
        None,
        5,
    ],
)
def test_what_the_client_says_by_itself_is_no_request(said: object) -> None:
    memory = Memory()
    memory.note_request(said)
    assert memory == Memory()


@pytest.mark.parametrize("said", ["/srv/app.py is broken", "<div> does not close", "/Compact it"])
def test_a_request_may_begin_with_a_path_or_a_bracket(said: str) -> None:
    memory = Memory()
    memory.note_request(said)
    assert memory.first_request == said


def test_a_failed_command_is_remembered_until_it_succeeds() -> None:
    memory = Memory()
    failed(memory, "make  test", "Exit code 2\n" + "noise\n" * 500 + "3 failed, 9 passed")
    failed(memory, "ls /x", "Exit code 1", is_interrupt=True)
    assert list(memory.failing) == ["make test"]
    assert memory.failing["make test"].endswith("3 failed, 9 passed")
    assert len(memory.failing["make test"]) <= 300
    tool(memory, "Bash", {"command": "make test"}, {"stdout": "12 passed"})
    assert memory.failing == {}


def test_the_task_list_is_followed_through_either_kind_of_tool() -> None:
    memory = Memory()
    for number, subject in enumerate(["parse", "seal", "ship"], 1):
        response = {"task": {"id": str(number), "subject": subject}}
        tool(memory, "TaskCreate", {"subject": subject}, response)
    tool(memory, "TaskUpdate", {"taskId": "1", "status": "completed"})
    tool(memory, "TaskUpdate", {"taskId": "2", "status": "in_progress"})
    tool(memory, "TaskUpdate", {"taskId": "3", "status": "deleted"})
    tool(memory, "TaskUpdate", {"taskId": "9", "status": "in_progress"})
    assert {task.subject: task.status for task in memory.tasks.values()} == {"seal": "in_progress"}
    todos = [
        {"content": "write", "status": "completed"},
        {"content": "test", "status": "pending"},
        {"content": None},
        "nonsense",
    ]
    tool(memory, "TodoWrite", {"todos": todos})
    assert {task.subject: task.status for task in memory.tasks.values()} == {"test": "pending"}


def test_what_the_user_decided_and_the_plan_are_kept() -> None:
    memory = Memory()
    questions = [{"question": "Which store?", "options": []}]
    answers = {"answers": {"Which store?": "SQLite", "Odd?": 5}}
    tool(memory, "AskUserQuestion", {"questions": questions}, answers)
    tool(memory, "ExitPlanMode", {}, {"plan": "1. Do\n2. Check", "filePath": "/plans/a.md"})
    assert memory.decisions == {"Which store?": "SQLite"}
    assert (memory.plan, memory.plan_file) == ("1. Do 2. Check", "/plans/a.md")
    tool(memory, "ExitPlanMode", {"plan": "Another"}, None)
    assert (memory.plan, memory.plan_file) == ("Another", "")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
TOOLS = "Edit Write Bash TaskCreate TaskUpdate TodoWrite AskUserQuestion ExitPlanMode".split()


@given(st.sampled_from(TOOLS), json_values, json_values)
def test_odd_payloads_do_no_harm(name: str, tool_input: Any, response: Any) -> None:
    memory = Memory()
    tool(memory, name, tool_input, response)
    memory.note_failure(name, {"tool_input": tool_input, "error": response})
    memory.note_report("a", response)


def test_everything_is_bounded() -> None:
    memory = Memory()
    for number in range(1000):
        long = f"{number} " + "x" * 10_000
        memory.note_request(long)
        memory.note_report(long[:20], long)
        failed(memory, long, long)
        response = {"task": {"id": str(number), "subject": long}}
        tool(memory, "TaskCreate", {}, response)
        tool(memory, "AskUserQuestion", {}, {"answers": {long: long}})
    assert len(memory.tasks) == MAX_TASKS
    assert len(memory.decisions) == MAX_DECISIONS
    assert len(memory.failing) == MAX_FAILURES
    assert len(memory.reports) == MAX_REPORTS
    assert len(repr(memory)) < 100 * (OPENING_CHARS + 400) + 20_000


def test_a_specialists_own_task_list_is_not_the_sessions() -> None:
    ledger = Ledger()
    payload = {
        "session_id": "s",
        "tool_name": "TaskCreate",
        "tool_response": {"task": {"id": "1", "subject": "mine"}},
    }
    ledger.record_hook("PostToolUse", {**payload, "agent_id": "a"})
    assert ledger.session("s").memory.tasks == {}
    ledger.record_hook("PostToolUse", payload)
    assert len(ledger.session("s").memory.tasks) == 1
