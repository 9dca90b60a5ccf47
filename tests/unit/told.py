"""What a ledger is told: hooks and calls of the model."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord

Event = Callable[[Ledger], object]


def make_ledger() -> Ledger:
    """A ledger whose clock ticks once a look."""
    ticks = count(1)
    return Ledger(clock=lambda: float(next(ticks)))


def hook(event: str, session_id: str = "s", **payload: Any) -> Event:
    return lambda ledger: ledger.record_hook(event, {"session_id": session_id, **payload})


def call(sequence: int | None, session_id: str = "s", **attributes: Any) -> Event:
    """A call of the model, as telemetry tells it."""
    known: dict[str, Any] = {"session.id": session_id, "event.timestamp": "t", "model": "opus"}
    if sequence is not None:
        known["event.sequence"] = sequence
    return lambda ledger: ledger.record_log(LogRecord("api_request", {**known, **attributes}))


def record(*events: Event) -> Ledger:
    ledger = make_ledger()
    for event in events:
        event(ledger)
    return ledger
