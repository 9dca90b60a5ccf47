"""The status line: what a session costs and who works in it, in one short line."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from cco.claude import versions
from cco.daemon.hooks.budget_guard import usd
from cco.ledger.budget import Budgets, Standing
from cco.ledger.records import Session

MAX_COLUMNS = 119
_MAX_NAMES = 3


def status_line(session: Session, budgets: Budgets) -> str:
    """One line under 120 columns: cost, agents at work, context used, budgets nearly used, and an
    old client.

    What does not fit is left out whole: names of agents first, then the context, then how many
    agents there are.
    """
    bound = budgets.limited(session)
    fixed = [f"{_percent(one)} used" for one in bound if one.state in ("near", "reached")]
    client = versions.parse_version(session.client_version or "")
    if client is not None and versions.is_old(client):
        fixed.append(f"Claude Code {versions.spelled(client)} is old")
    agents, context = _agents(session), _context(session)
    line = ""
    for chosen, beside in [*((one, context) for one in agents), (agents[-1], ""), ("", "")]:
        parts = ["cco", _cost(budgets.session(session)), chosen, beside, *fixed]
        line = _printable(" · ".join(part for part in parts if part))
        if columns(line) <= MAX_COLUMNS:
            break
    return line


def _cost(standing: Standing) -> str:
    """What is spent, by the ledger or by the client's own account if that is ahead."""
    spent = f"${standing.spent_nanousd / 1e9:.2f}"
    if standing.limit_nanousd is None:
        return spent
    return f"{spent} of {usd(standing.limit_nanousd)}"


def _percent(standing: Standing) -> str:
    whose = "today's budget" if standing.scope == "day" else "budget"
    used = min(standing.used_percent or 0, 999)
    return f"{used}% of {whose}"


def _agents(session: Session) -> Sequence[str]:
    """Who is at work, told ever more briefly."""
    names = [run.name or "agent" for run in session.running]
    if not names:
        done = len(session.agents) + sum(past.runs for past in session.past_agents.values())
        return [f"{done} agent{'s' * (done != 1)} done" if done else ""]
    told = []
    for shown in range(min(len(names), _MAX_NAMES), 0, -1):
        more = ", …" if shown < len(names) else ""
        told.append(f"{len(names)} running: {', '.join(names[:shown])}{more}")
    return [*told, f"{len(names)} running"]


def _context(session: Session) -> str:
    used = session.context_used_percent
    return "" if used is None else f"context {used:.0f}%"


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)


def columns(text: str) -> int:
    """How wide a terminal draws a text."""
    return sum(
        0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )
