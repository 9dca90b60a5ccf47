"""What a session and its agents wait for: the person's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cco.cli.figures import clock


def state(one: Mapping[str, Any], waits: Sequence[Mapping[str, Any]], now: float) -> str:
    """How a session or an agent stands; for how long, where it waits for the person."""
    return f"waiting {clock(now - waits[0]['since'])}" if waits else str(one["status"])


def waits_of(session: Mapping[str, Any], agent_id: str | None) -> list[Mapping[str, Any]]:
    """What an agent, or the session itself, waits for."""
    return [wait for wait in session["waiting"] if wait["agent_id"] == agent_id]


def asked(session: Mapping[str, Any]) -> str:
    """The tools that a permission or an answer is asked for, and by whom."""
    return ", ".join(
        wait["tool"] + (f" ({wait['agent'] or 'an agent'})" if wait["agent_id"] else "")
        for wait in session["waiting"]
    )
