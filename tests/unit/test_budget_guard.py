"""What the guard of budgets says when: a warning each, then no more delegation and prompts."""

from __future__ import annotations

import pytest

from cco.ledger.budget import Standing
from cco.ledger.records import NANOS_PER_USD
from tests.unit.budgeting import Place, stopped, told


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


def test_a_day_that_was_only_set_by_hand_stops_too() -> None:
    place = Place()
    place.session()
    place.spend(10)
    assert place.prompt() is None
    place.budgets.set_day(5 * NANOS_PER_USD)
    assert "Today's budget of $5.00 is used up" in stopped(place.prompt())


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
