"""Usage added up by agent, model and session."""

from __future__ import annotations

from typing import Any

from cco.ledger.ledger import Ledger
from cco.ledger.records import Session, Usage

MAIN = "(session itself)"
UNKNOWN = "(unknown)"


def usage_report(ledger: Ledger, session_id: str | None = None) -> dict[str, Any]:
    """Add up usage by agent name, model and session, the most expensive first.

    Raises: NotFound.
    """
    sessions = ledger.sessions() if session_id is None else [ledger.session(session_id)]
    agents: dict[str, dict[str, Any]] = {}
    models: dict[str, Usage] = {}
    total = Usage()
    for session in sessions:
        _add_agents(agents, session)
        for model, usage in session.models.items():
            models.setdefault(model, Usage()).add(usage)
        total.add(session.total())
    folded = session_id is None and ledger.folded_sessions > 0
    if folded:
        total.add(ledger.folded)
    return {
        "total": total.document(),
        "agents": _ranked(
            {"agent": name, "runs": entry["runs"], "tool_calls": entry["tool_calls"]}
            | entry["usage"].document()
            for name, entry in agents.items()
        ),
        "models": _ranked({"model": name} | usage.document() for name, usage in models.items()),
        "sessions": _ranked(
            {"session_id": one.session_id, "project": one.project} | one.total().document()
            for one in sessions
        ),
        "folded_sessions": ledger.folded_sessions if folded else 0,
    }


def agents_report(ledger: Ledger) -> list[dict[str, Any]]:
    """Every specialist that ran, with what it did over all sessions."""
    agents: dict[str, dict[str, Any]] = {}
    for session in ledger.sessions():
        _add_agents(agents, session)
    return _ranked(
        {
            "name": name,
            "runs": entry["runs"],
            "running": entry["running"],
            "tool_calls": entry["tool_calls"],
        }
        | entry["usage"].document()
        for name, entry in agents.items()
        if name != MAIN
    )


def _add_agents(agents: dict[str, dict[str, Any]], session: Session) -> None:
    own = _entry(agents, MAIN)
    own["runs"] += 1
    own["tool_calls"] += session.tool_calls
    own["usage"].add(session.own_usage)
    for run in session.agents.values():
        entry = _entry(agents, run.name or UNKNOWN)
        entry["runs"] += 1
        entry["running"] += run.status == "running"
        entry["tool_calls"] += run.tool_calls
        entry["usage"].add(run.usage)


def _entry(agents: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    return agents.setdefault(name, {"runs": 0, "running": 0, "tool_calls": 0, "usage": Usage()})


def _ranked(rows: Any) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["cost_usd"], reverse=True)
