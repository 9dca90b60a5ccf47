"""Budgets: what counts towards them, and how they stand."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.daemon.hooks.budget_guard import usd
from cco.ledger.budget import MAX_KEPT, Standing, nanousd
from cco.ledger.ledger import MAX_SESSIONS
from cco.ledger.records import NANOS_PER_USD
from tests.unit.budgeting import NOON, Place, stopped, told


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


@pytest.mark.parametrize("launch", [None, "l"])
def test_sessions_without_a_budget_share_none(launch: str | None) -> None:
    place = Place()
    first = place.session("first", launch)
    second = place.session("second", launch)
    place.spend(3, "first")
    place.budgets.set_session(second, 5 * NANOS_PER_USD)
    assert place.budgets.session(first) == Standing("session", 3 * NANOS_PER_USD)
    assert place.budgets.session(second) == Standing("session", 0, 5 * NANOS_PER_USD)


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


def test_what_was_spent_yesterday_is_not_todays_because_it_is_told_today() -> None:
    place = Place(20)
    session = place.session()
    place.spend(3)
    place.now += 86_400
    place.budgets.note_told(session, 3)
    assert place.budgets.day().spent_nanousd == 0


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


def test_a_launch_that_is_still_heard_of_keeps_its_budget() -> None:
    place = Place()
    session = place.session(launch="l", usd="5")
    for number in range(MAX_KEPT):
        place.budgets.note_launch(f"l{number}", "1")
        place.budgets.note_launch("l", "5")
    assert place.budgets.session(session).limit_nanousd == 5 * NANOS_PER_USD


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


def test_the_largest_limit_is_taken_over() -> None:
    place = Place()
    place.budgets.restore({"set": {"s": 10**15}})
    assert place.budgets.session(place.session()).limit_nanousd == 10**15


@pytest.mark.parametrize(
    "document",
    [{}, {"launches": [], "set": 5, "day": {}}, {"set": {"s": "5", "t": True, "u": -1, "v": 0}},
     {"launches": {"l": 10**30, "m": 1.5, "n": None}}, {"day": ["2026-01-01"]}, {"day": [5, 5]},
     {"day": ["2026-01-01", "5"]}, {"set": {"s": 10**15 + 1}}],
)  # fmt: skip
def test_what_makes_no_sense_is_left_out(document: dict[str, Any]) -> None:
    place = Place()
    place.budgets.restore(document)
    assert place.budgets.to_document() == {"launches": {}, "set": {}, "day": None}


def test_who_watches_is_told_what_was_set() -> None:
    place = Place(10)
    place.budgets.set_session(place.session(), 6 * NANOS_PER_USD)
    place.budgets.set_day(20 * NANOS_PER_USD)
    events = [json.loads(one.data) for one in place.ledger.feed.since(0)]
    assert [
        (one["session_id"], one["scope"], one["limit_usd"])
        for one in events
        if one["kind"] == "budget.set"
    ] == [("s", "session", 6.0), ("", "day", 20.0)]
