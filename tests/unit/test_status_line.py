"""The status line: what it says, and what it leaves out where there is no room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.daemon.hooks.status_line import MAX_COLUMNS, columns, status_line
from cco.ledger.budget import Budgets, nanousd
from cco.ledger.ledger import Ledger
from cco.ledger.records import Session


class Line:
    """One session and its status line."""

    def __init__(self, day_usd: float | None = None) -> None:
        self.ledger = Ledger()
        self.budgets = Budgets(self.ledger, nanousd(day_usd))
        self.session = self.hook("UserPromptSubmit")

    def hook(self, event: str, **payload: object) -> Session:
        session = self.ledger.record_hook(event, {"session_id": "s", **payload}, "launch")
        assert session is not None
        return session

    def start(self, *agents: str) -> Line:
        for number, name in enumerate(agents):
            self.hook("SubagentStart", agent_id=str(number), agent_type=f"cco:{name}")
        return self

    def budget(self, usd: str, spent: float) -> Line:
        self.budgets.note_launch("launch", usd)
        self.budgets.note_told(self.session, spent)
        return self

    def context(self, percent: object) -> Line:
        self.hook("StatusLine", context_window={"used_percentage": percent})
        return self

    @property
    def text(self) -> str:
        return status_line(self.session, self.budgets)


def test_a_new_session() -> None:
    assert Line().text == "cco · $0.00"


def test_everything() -> None:
    line = Line(20).budget("5", 4.1).start("debugger", "tester").context(41.2)
    assert line.text == (
        "cco · $4.10 of $5.00 · 2 running: debugger, tester · context 41% · 82% of budget used"
    )


def test_agents() -> None:
    line = Line().start("a", "b", "c", "d")
    assert line.text == "cco · $0.00 · 4 running: a, b, c, …"
    for number in range(4):
        line.hook("SubagentStop", agent_id=str(number), agent_type="cco:x")
    assert line.text == "cco · $0.00 · 4 agents done"


def test_one_agent_done() -> None:
    line = Line().start("a")
    line.hook("SubagentStop", agent_id="0", agent_type="cco:a")
    assert line.text == "cco · $0.00 · 1 agent done"


@pytest.mark.parametrize(
    ("spent", "told"),
    [(3.99, ""), (4, " · 80% of budget used"), (5, " · 100% of budget used"),
     (6.5, " · 130% of budget used"), (900_000, " · 999% of budget used")],
)  # fmt: skip
def test_the_budget_is_told_from_80_percent_on(spent: float, told: str) -> None:
    assert Line().budget("5", spent).text == f"cco · ${spent:.2f} of $5.00{told}"


def test_todays_budget_is_told_when_it_is_nearly_used() -> None:
    line = Line(10)
    line.budgets.note_told(line.session, 7)
    assert line.text == "cco · $7.00"
    line.budgets.note_told(line.session, 9)
    assert line.text == "cco · $9.00 · 90% of today's budget used"


def test_the_least_important_goes_first_and_whole() -> None:
    def line(chars: int) -> str:
        names = [letter * chars for letter in "abc"]
        return Line().budget("5", 4.5).start(*names).context(50).text

    end = " · context 50% · 90% of budget used"
    assert line(5) == f"cco · $4.50 of $5.00 · 3 running: aaaaa, bbbbb, ccccc{end}"
    assert line(20) == f"cco · $4.50 of $5.00 · 3 running: {'a' * 20}, {'b' * 20}, …{end}"
    assert line(40) == f"cco · $4.50 of $5.00 · 3 running: {'a' * 40}, …{end}"
    assert line(60) == f"cco · $4.50 of $5.00 · 3 running{end}"


def test_wide_characters_count_double() -> None:
    assert [columns(one) for one in ("abc", "漢字", "é", "e\u0301", "·", "…")] == [3, 4, 1, 1, 1, 1]
    assert "漢" * 40 in Line().start("漢" * 40).text
    assert "漢" not in Line().start("漢" * 50).text


names = st.text(max_size=120)


@given(
    st.lists(names, max_size=6),
    st.one_of(st.none(), st.floats(allow_nan=True), st.integers()),
    st.one_of(st.none(), st.floats(1e-9, 1e6), st.floats()),
    st.one_of(st.none(), st.floats(1e-9, 1e6)),
    st.one_of(st.none(), st.floats(0, 1e6), st.floats()),
)
def test_it_always_fits(
    agents: list[str],
    context: object,
    budget: float | None,
    day: float | None,
    spent: float | None,
) -> None:
    line = Line(day).start(*agents).context(context)
    line.budgets.note_launch("launch", str(budget))
    line.budgets.note_told(line.session, spent)
    assert line.text.startswith("cco · $")
    assert columns(line.text) <= MAX_COLUMNS < 120
    assert line.text.isprintable()
