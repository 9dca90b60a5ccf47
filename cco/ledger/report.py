"""Usage as the API tells it: by agent, model, project, hour and session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from cco.ledger.ledger import Ledger
from cco.ledger.records import Usage
from cco.ledger.totals import MAIN, UNKNOWN, Totals, totals_of

__all__ = ["MAIN", "UNKNOWN", "agents_report", "usage_report"]

EARLIER = "(earlier sessions)"


def usage_report(
    ledger: Ledger, session_id: str | None = None, project: str | None = None
) -> dict[str, Any]:
    """Add up usage of all our sessions, or of one, or of one project's; the dearest first.

    Sessions that were not launched by cco are apart, in `foreign`.
    Raises: NotFound.
    """
    sessions = ledger.sessions() if session_id is None else [ledger.session(session_id)]
    if project is not None:
        sessions = [one for one in sessions if one.project == project]
    everything = session_id is None and project is None
    ours = [one for one in sessions if one.orchestrated or session_id is not None]
    totals = totals_of(ours)
    rows = [
        {"session_id": one.session_id, "project": one.project} | one.total().document()
        for one in ours
    ]
    if everything and ledger.folded.sessions:
        totals.add(ledger.folded)
        earlier = {"session_id": EARLIER, "project": ""}
        rows.append(earlier | ledger.folded.total.document())
    foreign = totals_of(one for one in sessions if not one.orchestrated and session_id is None)
    if everything:
        foreign.add(ledger.folded_foreign)
    return {
        "total": totals.total.document(),
        "agents": _ranked(
            {"agent": name, "runs": entry.runs, "tool_calls": entry.tool_calls}
            | entry.usage.document()
            for name, entry in totals.agents.items()
        ),
        "models": _by("model", totals.models),
        "projects": _by("project", totals.projects),
        "hours": [
            {"hour": datetime.fromtimestamp(hour, UTC).isoformat()} | usage.document()
            for hour, usage in sorted(totals.hours.items())
        ],
        "sessions": _ranked(rows),
        "folded_sessions": ledger.folded.sessions if everything else 0,
        "foreign": {"sessions": foreign.sessions} | foreign.total.document(),
    }


def agents_report(ledger: Ledger) -> list[dict[str, Any]]:
    """Every specialist that ran, with what it did over all our sessions."""
    totals = Totals()
    totals.add(ledger.folded)
    for session in ledger.sessions():
        if session.orchestrated:
            totals.add_session(session)
    return _ranked(
        {
            "name": name,
            "runs": entry.runs,
            "running": entry.running,
            "tool_calls": entry.tool_calls,
        }
        | entry.usage.document()
        for name, entry in totals.agents.items()
        if name != MAIN
    )


def _by(kind: str, usages: Mapping[str, Usage]) -> list[dict[str, Any]]:
    return _ranked({kind: name} | usage.document() for name, usage in usages.items())


def _ranked(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["cost_usd"], reverse=True)
