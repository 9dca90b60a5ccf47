"""The ledger over whole lives: events in any order and repeated, restarts and folds in between.

A model beside it knows only which calls were made; every figure must come to what those add up to.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from cco.ledger import ledger as ledger_module
from cco.ledger.budget import Budgets
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.records import NANOS_PER_USD
from cco.ledger.report import usage_report
from cco.ledger.state import LedgerState
from tests.fuzz import books

SESSIONS = st.sampled_from(["s", "t", "u", "v", "w"])
AGENTS = st.sampled_from(["", "a", "b", "c", "d", "e"])
MODELS = st.sampled_from(["opus", "haiku", ""])
TOKENS = st.integers(0, 1 << 40)
COSTS = st.decimals(0, 1000, places=6, allow_nan=False)
EVENTS = st.sampled_from(
    "UserPromptSubmit SubagentStart SubagentStop Stop PreCompact PostCompact SessionEnd".split()
)


class Life(RuleBasedStateMachine):
    """One ledger, restarted now and then."""

    @initialize()
    def begin(self) -> None:
        self.now = 1_000_000.0
        self.state = LedgerState(Ledger(clock=lambda: self.now))
        self.budgets = Budgets(self.ledger, clock=lambda: self.now)
        self.state.keep("budgets", self.budgets)
        self.lines = list(self.state.everything())
        self.calls: dict[tuple[str, int], LogRecord] = {}
        self.shown = (0, 0)

    @property
    def ledger(self) -> Ledger:
        return self.state.ledger

    @rule(session=SESSIONS, agent=AGENTS, model=MODELS, tokens=TOKENS, usd=COSTS)
    def call(self, session: str, agent: str, model: str, tokens: int, usd: Decimal) -> None:
        number = len(self.calls)
        told = {
            "session.id": session,
            "agent_id": agent,
            "model": model,
            "event.sequence": number,
            "input_tokens": str(tokens),
            "cost_usd": str(usd),
        }
        record = self.calls[session, number] = LogRecord("api_request", told)
        self.ledger.record_log(record)

    @rule(data=st.data())
    def call_again(self, data: st.DataObject) -> None:
        """A collector that had no answer sends it again."""
        if self.calls:
            self.ledger.record_log(data.draw(st.sampled_from(list(self.calls.values()))))

    @rule(event=EVENTS, session=SESSIONS, agent=AGENTS)
    def hook(self, event: str, session: str, agent: str) -> None:
        payload = {"session_id": session, "agent_id": agent, "agent_type": "cco:debugger"}
        self.ledger.record_hook(event, payload, launch_id=session * 2)

    @rule(seconds=st.integers(0, 8_000))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(session=SESSIONS, usd=st.integers(1, 1_000))
    def budget(self, session: str, usd: int) -> None:
        found = self.ledger.get(session)
        if found is not None:
            self.budgets.set_session(found, usd * NANOS_PER_USD)

    @rule()
    def flush(self) -> None:
        self.lines += self.state.changes()

    @rule(rewrite=st.booleans(), close=st.booleans())
    def restart(self, rewrite: bool, close: bool) -> None:
        """Written down (anew, or as it changed) and made again: the same, and it goes on."""
        before = books.told(self.ledger)
        if rewrite:
            self.lines = list(self.state.everything())
        self.lines += self.state.changes()
        state = LedgerState(Ledger(clock=lambda: self.now))
        for line in self.lines:
            state.restore(json.loads(line))
        state.finish()
        assert books.told(state.ledger) == before
        limits = self.budgets.to_document()
        self.state, self.budgets = state, Budgets(state.ledger, clock=lambda: self.now)
        state.keep("budgets", self.budgets)
        assert self.budgets.to_document() == limits
        if close:
            state.ledger.close()
        self.lines = list(state.everything())

    @invariant()
    def every_sum_is_that_of_its_parts(self) -> None:
        books.check_sums(self.ledger)
        books.check_bounds(self.ledger)

    @invariant()
    def every_call_counts_once(self) -> None:
        report = usage_report(self.ledger)
        parts = (report["total"], report["foreign"])
        assert sum(part["calls"] for part in parts) == len(self.calls)
        wanted = [record.attributes for record in self.calls.values()]
        tokens = sum(int(told["input_tokens"]) for told in wanted)
        assert sum(part["input_tokens"] for part in parts) == tokens
        nanos = sum(round(Decimal(told["cost_usd"]) * NANOS_PER_USD) for told in wanted)
        assert sum(round(part["cost_usd"] * 1e9) for part in parts) == pytest.approx(nanos, abs=64)
        now = (len(self.calls), nanos)
        assert now >= self.shown
        self.shown = now

    @invariant()
    def a_budget_is_of_what_was_spent(self) -> None:
        for session in self.ledger.sessions():
            standing = self.budgets.session(session)
            assert standing.spent_nanousd >= session.total().cost_nanousd
            assert standing.limit_nanousd is None or standing.limit_nanousd > 0


@pytest.fixture(autouse=True, scope="module")
def tight_bounds() -> Any:
    """Bounds that a few events reach, so that sessions and runs fold all the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_module, "MAX_SESSIONS", 3)
        patch.setattr(ledger_module, "MAX_AGENTS", 8)
        patch.setattr(ledger_module, "MAX_AGENTS_PER_SESSION", 4)
        patch.setattr(ledger_module, "MAX_HOURS_PER_SESSION", 2)
        patch.setattr(ledger_module, "MAX_REMEMBERED", 2)
        yield


def test_whatever_happens_in_its_life() -> None:
    run_state_machine_as_test(Life, settings=settings(max_examples=80, stateful_step_count=50))
