"""A place in which money is spent, for the tests of budgets and of their guard."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cco.daemon.hooks.budget_guard import BudgetGuard
from cco.daemon.hooks.guards import Decision
from cco.ledger.budget import Budgets, nanousd
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.records import Session

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


def stopped(decision: Decision | None) -> str:
    assert decision is not None
    assert decision.stops
    return decision.reason


def told(decision: Decision | None) -> str:
    assert decision is not None
    assert not decision.stops
    return decision.reason
