"""The status line: what a session costs and who works in it, in one short line."""

from __future__ import annotations

from typing import Any

from cco.ledger.records import NANOS_PER_USD, Session, finite

_LINE_CHARS = 119


def status_line(session: Session, payload: dict[str, Any]) -> str:
    """One line under 120 columns: cost, agents at work, context used.

    The cost is the client's own total where it tells it, else what telemetry added up.
    """
    cost = session.total().cost_nanousd / NANOS_PER_USD
    told = payload.get("cost")
    if isinstance(told, dict):
        total = finite(told.get("total_cost_usd"))
        cost = cost if total is None else total
    parts = ["cco", f"${cost:.2f}"]
    names_running = [run.name or "agent" for run in session.running]
    if names_running:
        shown = ", ".join(names_running[:3]) + (", …" if len(names_running) > 3 else "")
        parts.append(f"{len(names_running)} running: {shown}")
    elif session.agents:
        parts.append(f"{len(session.agents)} agents done")
    if session.context_used_percent is not None:
        parts.append(f"context {session.context_used_percent:.0f}%")
    line = " · ".join(parts)
    return "".join(one if one.isprintable() else " " for one in line)[:_LINE_CHARS]
