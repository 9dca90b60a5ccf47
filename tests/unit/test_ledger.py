"""The ledger: hooks and telemetry in any order make the same books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.ledger.ledger import Ledger
from cco.ledger.memory import OPENING_CHARS
from cco.ledger.otlp import LogRecord, MetricPoint
from cco.ledger.records import Usage
from cco.ledger.report import usage_report
from tests.unit.told import Event, call, hook, make_ledger, record

CALLS = [
    call(1, input_tokens=100, output_tokens=7, cost_usd="0.1", duration_ms=900),
    call(2, input_tokens=1, cache_read_tokens=5_000, cost_usd=0.2, model="haiku"),
    call(3, agent_id="a", input_tokens=20, cost_usd="0.000000001"),
    call(4, agent_id="a", output_tokens=30, cost_usd=0.7),
    call(5, agent_id="b", cache_creation_tokens=40, cost_usd="1.1"),
    call(1, session_id="t", agent_id="a", input_tokens=3, cost_usd="2"),
]
COSTS_NANOUSD = [100_000_000, 200_000_000, 1, 700_000_000, 1_100_000_000, 2_000_000_000]
"""Of the calls, by hand."""
HOOKS = [
    hook("SessionStart", model="opus", cwd="/project"),
    hook("UserPromptSubmit", prompt="do it"),
    hook("SubagentStart", agent_id="a", agent_type="cco:debugger"),
    hook("SubagentStart", agent_id="b", agent_type="cco:test-engineer"),
    hook("PostToolUse", agent_id="a", tool_name="Edit", tool_input={"file_path": "/project/x"}),
    hook("PostToolUse", agent_id="b", tool_name="Bash", tool_input={"command": "ls"}),
    hook("PostToolUse", tool_name="Read", tool_input={"file_path": "/project/x"}),
    hook(
        "PostToolUse",
        tool_name="Agent",
        tool_input={"description": "find it"},
        tool_response={"agentId": "a", "resolvedModel": "opus"},
    ),
    hook("SubagentStop", agent_id="a", agent_type="cco:debugger", last_assistant_message="ok"),
    hook("SubagentStop", agent_id="b", agent_type="cco:test-engineer"),
    hook("PostCompact", compact_summary="…"),
    hook("SubagentStart", "t", agent_id="a", agent_type="Explore"),
]


def books(ledger: Ledger) -> dict[str, Any]:
    """What must not depend on the order in which things were heard of."""
    found: dict[str, Any] = {}
    for session in ledger.sessions():
        found[session.session_id] = (
            session.project,
            session.prompts,
            session.tool_calls,
            session.compactions,
            sorted(session.memory.edited),
            session.own_usage,
            session.total(),
            session.models,
            {
                run.agent_id: (run.name, run.tool_calls, run.usage, run.status, run.model,
                               run.description)
                for run in session.agents.values()
            },
        )  # fmt: skip
    return found


IN_ORDER = books(record(*HOOKS, *CALLS))


@given(st.permutations([*HOOKS, *CALLS]), st.lists(st.sampled_from(CALLS)))
def test_any_order_and_any_repetition_make_the_same_books(
    events: Sequence[Event], repeated: Sequence[Event]
) -> None:
    assert books(record(*events, *repeated)) == IN_ORDER


@given(st.permutations([*HOOKS, *CALLS, hook("SessionEnd"), hook("SessionEnd", "t")]))
def test_an_end_anywhere_changes_no_figure(events: Sequence[Event]) -> None:
    report = usage_report(record(*events))
    assert report["total"]["calls"] == len(CALLS)
    assert report["total"]["cost_usd"] == 4.100000001
    costs = {row["agent"]: row["cost_usd"] for row in report["agents"]}
    assert costs == {
        "(session itself)": 0.3,
        "debugger": 0.700000001,
        "test-engineer": 1.1,
        "Explore": 2.0,
    }


@given(st.permutations([*HOOKS, *CALLS, hook("SessionEnd")]), st.integers(0, 20), st.randoms())
def test_cut_off_anywhere_the_sums_are_those_of_what_came(
    events: Sequence[Event], length: int, random: Any
) -> None:
    came = list(events[:length])
    twice = [*came, *came]
    random.shuffle(twice)
    ledger = record(*twice)
    expected = sum(COSTS_NANOUSD[CALLS.index(event)] for event in came if event in CALLS)
    sessions = ledger.sessions()
    assert sum(one.total().cost_nanousd for one in sessions) == expected
    assert sum(one.total().calls for one in sessions) == sum(event in CALLS for event in came)
    for session in sessions:
        by_model, by_hour = Usage(), Usage()
        for usage in session.models.values():
            by_model.add(usage)
        for usage in session.hours.values():
            by_hour.add(usage)
        assert by_model == by_hour == session.total()


def test_the_usual_order_tells_it_all() -> None:
    session = record(*HOOKS, *CALLS).session("s")
    debugger, tester = session.agents.values()
    assert (debugger.name, debugger.description, debugger.status) == ("debugger", "find it", "done")
    assert debugger.usage.input_tokens == 20
    assert debugger.last_words_chars == 2
    assert tester.usage.cache_creation_tokens == 40
    assert session.own_usage.calls == 2
    assert session.tool_calls == 2
    assert session.memory.edited == {"/project/x": "debugger"}
    assert {model: usage.calls for model, usage in session.models.items()} == {
        "opus": 4,
        "haiku": 1,
    }


@given(st.lists(st.decimals(0, 1000, places=9), max_size=50))
def test_costs_add_up_exactly(costs: list[Decimal]) -> None:
    ledger = record(*(call(number, cost_usd=str(cost)) for number, cost in enumerate(costs)))
    total = sum((session.total().cost_nanousd for session in ledger.sessions()), 0)
    assert total == sum(costs) * 10**9


def test_a_thousand_dimes_are_a_hundred_dollars() -> None:
    ledger = record(*(call(number, cost_usd=0.1) for number in range(1000)))
    assert ledger.session("s").total().document()["cost_usd"] == 100.0


def test_equal_calls_without_a_sequence_all_count() -> None:
    assert record(call(None), call(None)).session("s").total().calls == 2


def test_one_sequence_in_two_sessions_or_at_two_times_is_two_calls() -> None:
    other_time = call(1, **{"event.timestamp": "u"})
    ledger = record(call(1), call(1, session_id="t"), other_time, call(1), other_time)
    assert [session.total().calls for session in ledger.sessions()] == [2, 1]


def test_an_error_that_is_told_twice_counts_once() -> None:
    attributes = {"session.id": "s", "event.timestamp": "t", "event.sequence": 7}
    ledger = make_ledger()
    for _ in range(2):
        ledger.record_log(LogRecord("api_error", attributes))
    assert ledger.session("s").api_errors == 1


NONSENSE = ["", "x", "NaN", "sNaN", "Infinity", "-Infinity", "-1", -1, True, [], {}, None,
            "1e999999999999999999", "1e400", 10**400, float("inf"), float("nan"), 1e300,
            "9007199254740992000000000000", "٣x", "0x10", b"1"]  # fmt: skip


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: repr(value)[:30])
def test_nonsense_counts_nothing(value: Any) -> None:
    fields = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens",
              "cost_usd", "duration_ms")  # fmt: skip
    usage = record(call(1, **dict.fromkeys(fields, value))).session("s").total()
    assert usage == Usage(calls=1)


@pytest.mark.parametrize("value", [0, "0", 12, "12", 12.0, "12.9", "1.2e1"])
def test_figures_may_be_numbers_or_text(value: Any) -> None:
    expected = int(float(str(value)))
    assert record(call(1, input_tokens=value)).session("s").total().input_tokens == expected


@pytest.mark.parametrize("field", ["session.id", "agent_id", "model"])
@pytest.mark.parametrize("value", [None, 5, True, 1.5, "", "x" * 10_000, "\ud83d"])
def test_odd_names_do_no_harm(field: str, value: Any) -> None:
    ledger = record(call(1, **{field: value}), hook("SessionStart", model=value))
    usage_report(ledger)
    for session in ledger.sessions():
        str(session.document()).encode()


def test_an_event_without_a_session_says_nothing() -> None:
    ledger = make_ledger()
    for session_id in (None, "", 5, ["s"]):
        assert ledger.record_hook("Stop", {"session_id": session_id}) is None
    assert ledger.record_hook("Stop", {}) is None
    ledger.record_log(LogRecord("api_request", {}))
    assert ledger.sessions() == []


def test_other_log_records_are_not_calls() -> None:
    ledger = make_ledger()
    for event in ("user_prompt", "tool_result", "assistant_response", ""):
        ledger.record_log(LogRecord(event, {"session.id": "s", "cost_usd": 5}))
    assert ledger.sessions() == []
    ledger.record_log(LogRecord("api_error", {"session.id": "s"}))
    assert ledger.session("s").api_errors == 1
    assert ledger.session("s").total() == Usage()


def test_the_clients_own_helpers_are_not_specialists() -> None:
    stop = hook("SubagentStop", agent_id="h", agent_type="", last_assistant_message="summary")
    nameless = hook("SubagentStop", agent_id="i")
    assert record(stop, nameless).session("s").agents == {}


def test_a_specialist_that_never_stopped_is_closed_with_its_session() -> None:
    start = hook("SubagentStart", agent_id="a", agent_type="cco:debugger")
    ledger = record(start, hook("SessionEnd"))
    session = ledger.session("s")
    (run,) = session.agents.values()
    assert (run.status, run.ended_at) == ("lost", session.ended_at)
    assert session.running == []
    hook("SubagentStop", agent_id="a", agent_type="cco:debugger")(ledger)
    assert run.status == "done"
    assert session.ended_at is not None


def test_a_session_that_goes_on_is_open_again() -> None:
    start = hook("SubagentStart", agent_id="a", agent_type="cco:debugger")
    ledger = record(start, hook("SessionEnd"), hook("UserPromptSubmit", prompt="more"), start)
    session = ledger.session("s")
    assert session.ended_at is None
    (run,) = session.agents.values()
    assert (run.status, run.ended_at) == ("running", None)


def test_task_notifications_and_commands_are_not_requests() -> None:
    ledger = record(
        hook("UserPromptSubmit", prompt="x" * 1000),
        hook("UserPromptSubmit", prompt=" <task-notification>done</task-notification>"),
        hook("UserPromptSubmit", prompt="/compact"),
        hook("UserPromptSubmit", prompt=""),
        hook("UserPromptSubmit", prompt=None),
    )
    assert ledger.session("s").memory.first_request == "x" * OPENING_CHARS
    assert ledger.session("s").memory.latest_requests == []
    assert ledger.session("s").prompts == 4, "what an agent reports nobody typed"


def test_of_what_was_said_only_the_memory_keeps_a_few_words() -> None:
    said = "Xylophone"
    ledger = record(
        hook("PreToolUse", tool_name="Bash", tool_input={"command": said}),
        hook("PostToolUse", tool_name="Write", tool_input={"file_path": "/f", "content": said}),
        hook("PostCompact", compact_summary=said),
        hook("Stop", last_assistant_message=said),
    )
    session = ledger.session("s")
    assert said not in repr(asdict(session))
    assert said not in str(session.document())
    hook("UserPromptSubmit", prompt=said)(ledger)
    hook("SubagentStop", agent_id="a", agent_type="x", last_assistant_message=said)(ledger)
    assert session.memory.first_request == said
    assert session.memory.reports == {"a": said}
    assert said not in repr(session)
    assert said not in str(session.document())


def test_a_launch_ends_with_its_last_session() -> None:
    ledger = make_ledger()
    for session_id, launch_id in (("a", "one"), ("b", "one"), ("c", "two")):
        ledger.record_hook("SessionStart", {"session_id": session_id}, launch_id)
    first, second = ledger.session("a"), ledger.session("b")
    hook("SessionEnd", "a")(ledger)
    assert not ledger.is_last_of_launch(first, "other")
    hook("SessionEnd", "b")(ledger)
    assert ledger.is_last_of_launch(second, "other")
    assert ledger.is_last_of_launch(second, ["nonsense"])
    assert not ledger.is_last_of_launch(second, "clear")
    assert not ledger.is_last_of_launch(second, "resume")


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_impossible_active_time_counts_nothing(value: float) -> None:
    ledger = make_ledger()
    metric = "claude_code.active_time.total"
    ledger.record_metric(MetricPoint(metric, value, {"session.id": "s"}))
    ledger.record_metric(MetricPoint(metric, 2.0, {}))
    ledger.record_metric(MetricPoint("other", 2.0, {"session.id": "s"}))
    assert [session.active_time_s for session in ledger.sessions()] in ([], [0.0])


def test_the_latest_seen_comes_first() -> None:
    ledger = record(hook("Stop", "a"), hook("Stop", "b"), hook("Stop", "a"))
    assert [session.session_id for session in ledger.sessions()] == ["a", "b"]


def test_active_time_never_grows_beyond_what_json_can_hold() -> None:
    ledger = make_ledger()
    for value in (1e15, 1e15, 1e308):
        point = MetricPoint("claude_code.active_time.total", value, {"session.id": "s"})
        ledger.record_metric(point)
    assert ledger.session("s").active_time_s == 1e15


def test_a_late_status_line_brings_no_session_back() -> None:
    """After /clear the client may still draw one for the session that it has left."""
    ledger = record(hook("SessionStart"), hook("SessionEnd"), hook("StatusLine"))
    assert ledger.session("s").ended_at is not None
    assert record(hook("SessionEnd"), hook("SessionStart")).session("s").ended_at is None
