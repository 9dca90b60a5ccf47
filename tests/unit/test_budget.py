"""Budgets: what counts towards them, how they stand, and what the guard says when."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.daemon.hooks.budget_guard import BudgetGuard, usd
from cco.daemon.hooks.guards import Decision
from cco.ledger.budget import MAX_KEPT, Budgets, Standing, nanousd
from cco.ledger.ledger import MAX_SESSIONS, Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.records import NANOS_PER_USD, Session

NOON = datetime(2025, 6, 17, 12).timestamp()


class Place:
    """A ledger, its budgets and their guard, at a time that can be set."""

    def __init__(self, day_usd: float | None = None) -> None:
        self.now = NOON
        self.ledger = Ledger(lambda: self.now)
        self.budgets = Budgets(self.ledger, nanousd(day_usd), lambda: self.now)
        self.guard = BudgetGuard(self.budgets, self.ledger.feed)
        self._sequence = 0

    def session(self, name: str = "s", launch: str | None = None, usd: str = "") -> Session:
        session = self.ledger.record_hook("UserPromptSubmit", {"session_id": name}, launch)
        assert session is not None
        if launch is not None:
            self.budgets.note_launch(launch, usd)
        return session

    def spend(self, amount: object, name: str = "s", **more: object) -> None:
        self._sequence += 1
        told = {"session.id": name, "cost_usd": amount, "event.sequence": self._sequence, **more}
        self.ledger.record_log(LogRecord("api_request", told))

    def prompt(self, text: object = "go on", name: str = "s") -> Decision | None:
        return self.guard.before_prompt(self.ledger.session(name), {"prompt": text})

    def tool(self, tool: str = "Agent", name: str = "s", **tool_input: Any) -> Decision | None:
        payload = {"tool_name": tool, "tool_input": tool_input}
        return self.guard.before_tool(self.ledger.session(name), payload)

    def events(self) -> list[str]:
        return [one.kind for one in self.ledger.feed.since(0) if one.kind.startswith("budget")]


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another time zone, as POSIX spells it: no list of zones is needed."""
    if sys.platform == "win32":
        pytest.skip("Windows takes its time zone from elsewhere")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"


def stopped(decision: Decision | None) -> str:
    assert decision is not None
    assert decision.stops
    return decision.reason


def told(decision: Decision | None) -> str:
    assert decision is not None
    assert not decision.stops
    return decision.reason


# --- amounts ---


@pytest.mark.parametrize(
    ("value", "amount"),
    [("5", 5 * NANOS_PER_USD), (0.1, 100_000_000), ("1e-9", 1), ("1e-12", 1), (1e-07, 100),
     (1_000_000, 10**15), (1_000_001, None), (0, None), (-1, None), ("nan", None), ("inf", None),
     ("", None), (None, None), ("x", None), ("9" * 100, None), ([], None)],
)  # fmt: skip
def test_amounts(value: object, amount: int | None) -> None:
    assert nanousd(value) == amount


@given(st.integers(1, 10**15), st.integers(0, 2 * 10**15))
def test_a_state_never_says_too_much(limit: int, spent: int) -> None:
    one = Standing("session", spent, limit)
    assert (one.state == "reached") == (spent >= limit)
    assert (one.state in ("near", "reached")) == (spent * 100 >= limit * 80)


def test_less_than_a_cent_is_shown() -> None:
    assert [usd(one) for one in (0, 1_000_000, 5 * NANOS_PER_USD)] == ["$0.00", "$0.0010", "$5.00"]


# --- what counts ---


def test_a_session_costs_what_it_and_its_agents_cost_to_the_nano_dollar() -> None:
    place = Place()
    session = place.session(launch="l", usd="0.3")
    place.spend("0.1")
    place.spend("0.1", agent_id="a")
    place.spend("0.099999999", agent_id="b")
    assert place.budgets.session(session).state == "near"
    assert place.budgets.session(session).spent_nanousd == 299_999_999
    place.spend("0.000000001", agent_id="b")
    assert place.budgets.session(session).state == "reached"


def test_the_clients_own_figure_counts_where_it_is_ahead() -> None:
    place = Place()
    session = place.session(launch="l", usd="5")
    place.spend(1)
    place.budgets.note_told(session, 4.5)
    assert place.budgets.session(session).spent_nanousd == 4_500_000_000
    for nonsense in (None, True, "x", -1, float("nan"), 1e300, 0, 1):
        place.budgets.note_told(session, nonsense)
    assert place.budgets.session(session).spent_nanousd == 4_500_000_000
    place.spend(4)
    assert place.budgets.session(session).spent_nanousd == 5_000_000_000


def test_the_sessions_of_a_launch_share_its_budget() -> None:
    place = Place()
    place.session("first", "l", "5")
    place.spend(3, "first")
    place.session("other", "another", "5")
    place.spend(1, "other")
    after_clear = place.session("second", "l", "5")
    place.spend("2.5", "second")
    assert place.budgets.session(after_clear).spent_nanousd == 5_500_000_000
    assert "used up" in stopped(place.prompt(name="first"))
    assert place.prompt(name="other") is None


def test_without_a_budget_nothing_is_said() -> None:
    place = Place()
    session = place.session(launch="l", usd="")
    place.spend(1000)
    assert place.prompt() is None
    assert place.tool() is None
    assert place.budgets.session(session).document() == {
        "spent_usd": 1000.0, "limit_usd": None, "used_percent": None, "state": "unlimited",
    }  # fmt: skip
    assert place.events() == []


def test_a_day_is_all_sessions_of_ours_from_midnight_to_midnight() -> None:
    place = Place(20)
    place.now = NOON - 13 * 3_600
    place.session("yesterday")
    place.spend(7, "yesterday")
    place.now = NOON - 11 * 3_600
    place.session("early")
    place.spend(3, "early")
    place.now = NOON + 11 * 3_600
    place.session("late")
    place.spend(4, "late")
    place.spend(5, "yesterday")
    place.spend(100, "foreign")
    assert place.budgets.day() == Standing("day", 12 * NANOS_PER_USD, 20 * NANOS_PER_USD)
    place.now += 2 * 3_600
    assert place.budgets.day().spent_nanousd == 0


@pytest.mark.parametrize(
    "zone", ["IST-5:30", BERLIN, "NST3:30NDT,M3.2.0,M11.1.0", "<-12>12"], indirect=True
)
@pytest.mark.usefixtures("zone")
def test_a_day_is_the_users() -> None:
    """Hours are counted where they begin, so that none is lost or counted twice."""
    place = Place()
    place.session()
    days: dict[str, int] = {}
    for _ in range(60):
        place.spend(1)
        days[place.budgets.date] = place.budgets.day().spent_nanousd
        place.now += 3_600
    assert len(days) in (3, 4)
    assert abs(sum(days.values()) - 60 * NANOS_PER_USD) <= len(days) * NANOS_PER_USD
    assert 23 * NANOS_PER_USD <= sorted(days.values())[-1] <= 25 * NANOS_PER_USD


@pytest.mark.parametrize("zone", [BERLIN], indirect=True)
@pytest.mark.usefixtures("zone")
def test_a_day_of_23_hours() -> None:
    place = Place()
    place.now = time.mktime((2026, 3, 29, 0, 0, 0, 0, 0, -1))
    place.session()
    for _ in range(23):
        place.spend(1)
        assert place.budgets.date == "2026-03-29"
        place.now += 3_600
    assert place.budgets.date == "2026-03-30"
    place.now -= 1
    assert place.budgets.day().spent_nanousd == 23 * NANOS_PER_USD


def test_a_day_survives_folding() -> None:
    place = Place(20)
    for number in range(MAX_SESSIONS + 20):
        place.session(f"s{number}")
        place.spend("0.01", f"s{number}")
    assert len(place.ledger.sessions()) == MAX_SESSIONS
    assert place.budgets.day().spent_nanousd == (MAX_SESSIONS + 20) * 10_000_000


def test_where_telemetry_goes_elsewhere_the_clients_figure_makes_the_day() -> None:
    place = Place(20)
    session = place.session()
    place.budgets.note_told(session, 3)
    assert place.budgets.day().spent_nanousd == 3 * NANOS_PER_USD
    place.now += 86_400
    assert place.budgets.day().spent_nanousd == 0
    place.budgets.note_told(session, 4.5)
    assert place.budgets.day().spent_nanousd == 1_500_000_000
    place.spend("0.25")  # it does arrive after all, and is the truth
    assert place.budgets.day().spent_nanousd == 250_000_000


def test_memory_is_bounded() -> None:
    place = Place()
    for number in range(MAX_KEPT * 2):
        session = place.session(f"s{number}", f"l{number}", "5")
        place.budgets.note_told(session, 4.5)
        place.budgets.set_session(session, 5 * NANOS_PER_USD)
        told(place.prompt(name=f"s{number}"))
    for kept in (place.budgets._launches, place.budgets._set, place.budgets._told,
                 place.guard._warned):  # fmt: skip
        assert len(kept) == MAX_KEPT


# --- what outlives the daemon ---


def test_limits_are_written_down_and_taken_over() -> None:
    place = Place(10)
    session = place.session(launch="l", usd="5")
    place.budgets.set_session(session, 7 * NANOS_PER_USD)
    place.session("other", "m", "3")
    place.budgets.set_day(20 * NANOS_PER_USD)
    written = json.dumps(place.budgets.to_document())
    place.session(launch="l", usd="5")
    assert json.dumps(place.budgets.to_document()) == written
    after = Place(10)
    after.budgets.restore(json.loads(written))
    assert json.dumps(after.budgets.to_document()) == written
    for name, launch, limit in (("s", "l", 7), ("other", "m", 3)):
        found = after.ledger.record_hook("StatusLine", {"session_id": name}, launch)
        assert found is not None
        assert after.budgets.session(found).limit_nanousd == limit * NANOS_PER_USD
    assert after.budgets.day().limit_nanousd == 20 * NANOS_PER_USD
    after.now += 86_400
    assert after.budgets.day().limit_nanousd == 10 * NANOS_PER_USD


@pytest.mark.parametrize(
    "document",
    [{}, {"launches": [], "set": 5, "day": {}}, {"set": {"s": "5", "t": True, "u": -1, "v": 0}},
     {"launches": {"l": 10**30, "m": 1.5, "n": None}}, {"day": ["2026-01-01"]}, {"day": [5, 5]},
     {"day": ["2026-01-01", "5"]}],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out(document: dict[str, Any]) -> None:
    place = Place()
    place.budgets.restore(document)
    assert place.budgets.to_document() == {"launches": {}, "set": {}, "day": None}


# --- what is said ---


def test_each_is_warned_once() -> None:
    place = Place()
    place.session(launch="l", usd="5")
    place.spend("3.99")
    assert place.prompt() is None
    place.spend("0.01")
    assert "80% of this session's budget is used: $4.00 of $5.00." in told(place.prompt())
    assert place.prompt() is None
    assert "80%" in told(place.tool())
    assert place.tool() is None
    assert place.events() == ["budget.warned", "budget.warned"]


def test_what_is_used_up_stops_delegation_and_prompts() -> None:
    place = Place()
    place.session(launch="l", usd="5")
    place.spend("5.21")
    for tool in ("Agent", "Task", "Workflow"):
        reason = stopped(place.tool(tool))
        assert reason.startswith("This session's budget of $5.00 is used up ($5.21).")
        assert "cco budget set 10 --session s" in reason
    reason = stopped(place.prompt())
    assert reason.startswith("cco: This session's budget of $5.00 is used up ($5.21).")
    assert reason.endswith("\n  cco budget set 10 --session s")
    assert place.events() == ["budget.stopped"] * 4


def test_work_under_way_goes_on() -> None:
    place = Place()
    place.session(launch="l", usd="5")
    place.spend(6)
    for name in ("Bash", "Edit", "Read", "TaskUpdate", "SendMessage"):
        assert place.tool(name, command="make") is None
    for text in ("<task-notification>done</task-notification>", "/compact", "/model opus",
                 " <local-command-stdout>", "<command-name>/clear</command-name>"):  # fmt: skip
        assert place.prompt(text) is None
    for other in ("/home/me/x.py fails", "fix it", "", None, 5):
        stopped(place.prompt(other))


def test_raising_lets_the_session_go_on_and_warns_anew() -> None:
    place = Place()
    session = place.session(launch="l", usd="5")
    place.spend(5)
    stopped(place.prompt())
    place.budgets.set_session(session, 6 * NANOS_PER_USD)
    place.session(launch="l", usd="5")  # every hook brings the launch's own budget again
    assert "83% of this session's budget is used: $5.00 of $6.00." in told(place.prompt())
    assert place.tool() is not None
    place.budgets.set_session(session, 60 * NANOS_PER_USD)
    assert place.prompt() is None
    place.session("after-clear", "l", "5")
    assert place.budgets.session(place.ledger.session("after-clear")).limit_nanousd == 60 * 10**9


def test_a_later_launch_brings_its_own_budget_but_takes_nothing_back() -> None:
    place = Place()
    session = place.session(launch="first", usd="5")
    place.spend(6)
    place.session(launch="second", usd="4")
    assert "budget of $4.00 is used up ($6.00)" in stopped(place.prompt())
    place.budgets.set_session(session, 10 * NANOS_PER_USD)
    for launch, amount, limit in (("third", "4", 10), ("fourth", "", 10), ("fifth", "20", 20)):
        place.session(launch=launch, usd=amount)
        assert place.prompt() is None
        assert place.budgets.session(session).limit_nanousd == limit * NANOS_PER_USD
    place.budgets.set_session(session, 5 * NANOS_PER_USD)
    assert "budget of $5.00 is used up ($6.00)" in stopped(place.prompt())


def test_a_day_stops_every_session_and_is_raised_until_midnight() -> None:
    place = Place(10)
    place.session()
    place.spend(10)
    place.session("other")
    for name in ("s", "other"):
        reason = stopped(place.prompt(name=name))
        assert reason.startswith("cco: Today's budget of $10.00 is used up ($10.00).")
        assert reason.endswith("\n  cco budget set 20 --day")
    place.budgets.set_day(11 * NANOS_PER_USD)
    assert "90% of today's budget" in told(place.prompt())
    place.now += 86_400
    assert place.budgets.day() == Standing("day", 0, 10 * NANOS_PER_USD)


def test_both_are_told_where_both_are_used_up() -> None:
    place = Place(1)
    place.session(launch="l", usd="0.5")
    place.spend(2)
    reason = stopped(place.prompt())
    assert "cco budget set 3 --session s\n  cco budget set 3 --day" in reason


@pytest.mark.parametrize(
    ("command", "refused"),
    [("cco budget set 10", True), ("cd x && /opt/cco budget set 10 --day", True),
     ("a;b/cco budget set 1", True), ("x |& ./cco budget set 1", True), ("xcco budget set", False),
     ("true\n cco  budget set 5", True), ("(cco budget set 5)", True), ("cco budget", False),
     ("cco budget --json", False), ("grep -rn 'cco budget set' docs", False), ("", False)],
)  # fmt: skip
def test_a_model_does_not_raise_its_own_budget(command: str, refused: bool) -> None:
    place = Place()
    place.session()
    decision = place.tool("Bash", command=command)
    assert (decision is not None and decision.stops) is refused
