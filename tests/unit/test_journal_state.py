"""The ledger written down and made again is the same ledger, whenever it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.errors import SealedPayloadInvalid, UsageInvalid
from cco.ledger import ledger as ledger_module
from cco.ledger import state as state_module
from cco.ledger.ledger import Ledger
from cco.ledger.report import usage_report
from cco.ledger.state import LedgerState
from cco.ledger.totals import Totals, totals_of
from tests.unit.any_events import AGENTS, EVENTS, SESSION_IDS, call, forget_note, note
from tests.unit.told import Event, hook, make_ledger


@pytest.fixture(autouse=True, scope="module")
def tight_bounds() -> Iterator[None]:
    """Bounds that a few events reach."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_module, "MAX_SESSIONS", 3)
        patch.setattr(ledger_module, "MAX_AGENTS", 10)
        patch.setattr(ledger_module, "MAX_AGENTS_PER_SESSION", 4)
        patch.setattr(ledger_module, "_FOLD_SHARE", 4)
        patch.setattr(ledger_module, "MAX_REMEMBERED", 2)
        yield


WRITING = st.sampled_from(["", "", "changes", "everything", "both"])


def picture(ledger: Ledger) -> dict[str, Any]:
    """All that a ledger knows."""
    sessions = sorted(ledger.sessions(), key=lambda one: one.session_id)
    return {
        "sessions": sessions,
        "words": [repr(one.memory) for one in sessions],
        "agents_in_order": [list(one.agents) for one in sessions],
        "folded": ledger.folded,
        "folded_foreign": ledger.folded_foreign,
        "seen": set(ledger.seen),
        "notes": ledger.notes.latest(),
        "last_note": ledger.notes.last_number,
        "agents": sum(len(one.agents) for one in sessions),
    }


def made_again(lines: list[str]) -> Ledger:
    state = LedgerState(Ledger())
    for line in lines:
        line.encode("ascii")
        state.restore(json.loads(line))
    state.finish()
    return state.ledger


def normal(event: Event) -> Event:
    """Notes refuse texts that are only white space and the like; that is their own test."""

    def act(ledger: Ledger) -> None:
        with suppress(UsageInvalid):
            event(ledger)

    return act


@given(st.lists(st.tuples(EVENTS, WRITING), max_size=60))
def test_what_was_written_makes_the_same_ledger(steps: list[tuple[Event, str]]) -> None:
    ledger = make_ledger()
    state = LedgerState(ledger)
    lines = list(state.everything())
    for event, writing in steps:
        normal(event)(ledger)
        if writing == "everything":
            lines = list(state.everything())
        elif writing:
            lines += state.changes()
    lines += state.changes()
    assert picture(made_again(lines)) == picture(ledger)
    assert ledger._agents == picture(ledger)["agents"]
    assert not list(state.changes())


@given(st.lists(st.tuples(EVENTS, st.booleans()), max_size=60), st.integers(0, 30))
def test_what_happens_while_it_is_written_is_not_lost(
    steps: list[tuple[Event, bool]], before: int
) -> None:
    ledger = make_ledger()
    state = LedgerState(ledger)
    for event, _ in steps[:before]:
        normal(event)(ledger)
    lines = []
    writing = state.everything()
    for event, pause in steps[before:]:
        if pause:
            lines += [line for line in [next(writing, None)] if line is not None]
        normal(event)(ledger)
    lines += writing
    writing = state.changes()
    for event, pause in steps[:before]:
        if pause:
            lines += [line for line in [next(writing, None)] if line is not None]
        normal(event)(ledger)
    lines += writing
    lines += state.changes()
    assert picture(made_again(lines)) == picture(ledger)


@given(st.lists(EVENTS, max_size=150))
def test_folding_changes_no_sum(events: list[Event]) -> None:
    ours = [hook("SessionStart", session_id=name) for name in SESSION_IDS]
    tight, wide = make_ledger(), make_ledger()
    for event in (*ours, *events):
        normal(event)(tight)
    with pytest.MonkeyPatch.context() as patch:
        for bound in ("MAX_SESSIONS", "MAX_AGENTS", "MAX_AGENTS_PER_SESSION"):
            patch.setattr(ledger_module, bound, 1000)
        for event in (*ours, *events):
            normal(event)(wide)
    assert len(tight.sessions()) <= 3
    assert sum(len(one.agents) for one in tight.sessions()) <= 10
    assert all(len(one.agents) <= 4 for one in tight.sessions())
    sums = [totals_of(ledger.sessions()) for ledger in (tight, wide)]
    sums[0].add(tight.folded)
    for name in ("sessions", "compactions", "api_errors", "conflicts", "total"):
        assert getattr(sums[0], name) == getattr(sums[1], name), name
    folded, kept = usage_report(tight), usage_report(wide)
    assert folded["total"] == kept["total"]
    assert folded["foreign"] == kept["foreign"]
    for part, name in (("models", "model"), ("hours", "hour")):
        assert {row[name]: row for row in folded[part]} == {row[name]: row for row in kept[part]}
    for part in ("agents", "projects", "sessions"):
        for field in ("calls", "input_tokens"):
            assert sum(row[field] for row in folded[part]) == kept["total"][field]


@given(st.lists(st.tuples(AGENTS, st.integers(0, 10**9), st.sampled_from("xy")), max_size=80))
def test_runs_that_fold_keep_their_agents_and_models(
    calls: list[tuple[str, int, str]],
) -> None:
    ledger = make_ledger()
    expected: dict[tuple[str, str], int] = {}
    hook("SessionStart", session_id="s")(ledger)
    for number, (agent, cost_nanousd, model) in enumerate(calls):
        run = f"{agent}{number // 3}"
        hook("SubagentStart", session_id="s", agent_id=run, agent_type=f"cco:{agent}")(ledger)
        cost = f"{cost_nanousd}e-9"
        call(session__id="s", agent_id=run, event__sequence=number, model=model, cost_usd=cost)(
            ledger
        )
        hook("SubagentStop", session_id="s", agent_id=run, agent_type=f"cco:{agent}")(ledger)
        expected[agent, model] = expected.get((agent, model), 0) + cost_nanousd
    totals = Totals()
    totals.add_session(ledger.session("s"))
    found = {key: usage.cost_nanousd for key, usage in totals.agent_models.items()}
    assert found == expected
    report = usage_report(ledger)
    assert report["total"]["calls"] == len(calls)
    assert len({agent for agent, _ in expected}) == len(totals.agents) - 1


def test_a_batch_that_comes_again_after_a_restart_counts_once() -> None:
    events = [call(session__id="s", event__sequence=n, cost_usd="1") for n in range(10)]
    ledger = make_ledger()
    state = LedgerState(ledger)
    lines = list(state.everything())
    for event in events[:7]:
        event(ledger)
    lines += state.changes()
    again = made_again(lines)
    for event in events:
        event(again)
    assert again.session("s").total().calls == 10


CALLS = [
    call(session__id=session_id, agent_id=agent_id, event__sequence=n, cost_usd=f"{n}e-9")
    for n, (session_id, agent_id) in enumerate(product("stu", ("a", "b", None)), start=1)
]


@given(st.permutations(CALLS), st.integers(0, 9), st.integers(0, 9), st.booleans())
def test_a_restart_among_records_that_come_again_changes_no_sum(
    events: list[Event], before: int, again_from: int, whole: bool
) -> None:
    ledger = make_ledger()
    state = LedgerState(ledger)
    lines = list(state.everything())
    for event in events[:before]:
        event(ledger)
    lines = list(state.everything()) if whole else [*lines, *state.changes()]
    again = made_again(lines)
    for event in (*events[min(again_from, before) :], *events[:again_from]):
        event(again)
    assert sum(one.total().cost_nanousd for one in again.sessions()) == sum(range(1, 10))


@pytest.mark.parametrize("written", [True, False], ids=["it was written", "it never was"])
def test_a_notes_number_is_never_given_again(written: bool) -> None:
    ledger = make_ledger()
    state = LedgerState(ledger)
    lines = list(state.everything())
    note("p", "first")(ledger)
    note("p", "second")(ledger)
    lines += state.changes() if written else []
    forget_note(2)(ledger)
    lines += state.changes()
    for again in (made_again(lines), made_again(list(state.everything()))):
        assert again.notes.add("third", project="p", author="ana").number == 3


def test_only_what_has_changed_is_written() -> None:
    ledger = make_ledger()
    state = LedgerState(ledger)
    hook("UserPromptSubmit", session_id="s", prompt="words")(ledger)
    hook("SubagentStart", session_id="s", agent_id="a", agent_type="cco:x")(ledger)
    hook("UserPromptSubmit", session_id="t", prompt="words")(ledger)
    list(state.everything())
    hook("SubagentStart", session_id="s", agent_id="b", agent_type="cco:y")(ledger)
    (line,) = state.changes()
    told = json.loads(line)
    assert told["session"]["session_id"] == "s"
    assert [run["agent_id"] for run in told["runs"]] == ["b"]
    assert told["memory"] == {}
    hook("UserPromptSubmit", session_id="t", prompt="more")(ledger)
    (line,) = state.changes()
    assert json.loads(line)["memory"] == {"latest_requests": ["more"]}


def start(agent_id: str) -> Event:
    return hook("SubagentStart", session_id="s", agent_id=agent_id, agent_type="cco:x")


def todos(*subjects: str) -> Event:
    tool_input = {"todos": [{"content": subject} for subject in subjects]}
    return hook("PostToolUse", session_id="s", tool_name="TodoWrite", tool_input=tool_input)


@pytest.mark.parametrize(
    "events",
    [
        [start("a"), start("b"), hook("SessionEnd", session_id="s")],
        [start(agent_id) for agent_id in "abcdefg"],
        [*(start(agent_id) for agent_id in "abcdef"), start("a")],
        [todos("this", "that"), todos()],
        [hook("SessionStart", session_id=name) for name in "stuvws"],
    ],
    ids=["an end", "too many runs", "a run that comes back", "words that go", "too many sessions"],
)
def test_each_change_is_enough_by_itself(events: list[Event]) -> None:
    ledger = make_ledger()
    state = LedgerState(ledger)
    lines = list(state.everything())
    for event in events:
        event(ledger)
        lines += state.changes()
        assert picture(made_again(lines)) == picture(ledger)


def test_changes_that_nobody_takes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cco.ledger.changes.MAX_PENDING", 50)
    ledger = make_ledger()
    state = LedgerState(ledger)
    for number in range(500):
        call(session__id="s", event__sequence=number, agent_id=str(number % 3))(ledger)
        assert ledger.changes._pending <= 50
    assert ledger.changes.overflowed
    again = made_again(list(state.everything()))
    assert again.session("s") == ledger.session("s")
    assert not ledger.changes.overflowed


def test_too_much_to_write_costs_words_first_and_then_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger_module, "MAX_SESSIONS", 100)
    monkeypatch.setattr(state_module, "WORDS_LIMIT_CHARS", 10_000)
    monkeypatch.setattr(state_module, "SESSIONS_LIMIT_CHARS", 20_000)
    monkeypatch.setattr(state_module, "NOTES_LIMIT_CHARS", 5_000)
    ledger = make_ledger()
    for number in range(100):
        name = str(number)
        hook("UserPromptSubmit", session_id=name, prompt="x" * 400)(ledger)
        edit = {"tool_name": "Edit", "tool_input": {"file_path": "/f"}}
        hook("PostToolUse", session_id=name, **edit)(ledger)
        call(session__id=name, event__sequence=1, cost_usd="1")(ledger)
        note("p", "y" * 400)(ledger)
        if number % 2:
            hook("SessionEnd", session_id=name)(ledger)
    state = LedgerState(ledger)
    lines = list(state.everything())
    assert sum(map(len, lines)) < 40_000
    lines += state.changes()
    again = made_again(lines)
    assert picture(again) == picture(ledger)
    assert again.folded.sessions > 0
    assert usage_report(again)["total"]["calls"] == 100
    kept = ledger.sessions()
    assert {one.session_id for one in kept} >= {str(number) for number in range(70, 100, 2)}
    assert {bool(one.memory.first_request) for one in kept} == {True, False}
    assert {one.document()["files_edited"] for one in again.sessions()} == {1}
    assert 0 < len(again.notes) < 20


@pytest.mark.parametrize(
    "line",
    [None, [], 5, {}, {"kind": "?"}, {"kind": 5}, {"kind": []}, {"kind": "session"},
     {"kind": "session", "session": {}}, {"kind": "fold", "session_id": "s"},
     {"kind": "seen", "seen": "?"}, {"kind": "seen"}, {"kind": "totals"},
     {"kind": "note", "note": 5}, {"kind": "note", "note": {}}, {"kind": "document", "name": "x"},
     {"kind": "session", "session": {"session_id": "s"}, "memory": {}, "gone": 5, "runs": [],
      "seen": ""},
     {"kind": "no_note"}, {"kind": "last_note"}, {"kind": "last_note", "number": []},
     {"kind": "last_note", "number": float("inf")}, {"kind": "seen", "seen": "AAAA"},
     {"kind": "session", "session": {"session_id": "s", "hours": [[1 << 60, [1]]]}, "memory": {},
      "gone": [], "runs": [], "seen": ""},
     {"kind": "totals", "totals": {}}, {"kind": "note", "note": {"number": {}}}],
)  # fmt: skip
def test_a_line_that_makes_no_sense_is_refused(line: Any) -> None:
    with pytest.raises(SealedPayloadInvalid):
        LedgerState(make_ledger()).restore(line)


class Limits:
    """Something small beside the ledger."""

    def __init__(self) -> None:
        self.value = 0

    def to_document(self) -> Mapping[str, Any]:
        return {"value": self.value}

    def restore(self, document: Mapping[str, Any]) -> None:
        self.value = document["value"]


def test_something_small_is_kept_beside_the_ledger() -> None:
    limits = Limits()
    state = LedgerState(make_ledger())
    state.keep("limits", limits)
    lines = list(state.everything())
    assert list(state.changes()) == []
    limits.value = 5
    lines += state.changes()
    assert list(state.changes()) == []
    again, found = LedgerState(make_ledger()), Limits()
    for line in lines:
        again.restore(json.loads(line))
    again.finish()
    again.keep("limits", found)
    assert found.value == 5
