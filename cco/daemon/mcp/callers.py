"""Whose a tool call is.

Claude Code's MCP requests name no session, but the call of a tool carries the id under which
PreToolUse announced it: that hook says which session and which agent it is, and where they work.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cco.ledger.projects import project_of
from cco.ledger.records import Session

MAX_CALLS = 2_000
_ID_CHARS = 200
_SHORT_ID_CHARS = 8


@dataclass(frozen=True)
class Caller:
    """Who calls, and for which project."""

    project: str
    author: str
    session_id: str = ""
    folder: str = ""
    """What the caller's relative paths start from."""


class Callers:
    """The latest announced calls of MCP tools (an Observer of hooks)."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, Caller] = OrderedDict()

    def heard(self, event: str, session: Session, payload: Mapping[str, Any]) -> None:
        """Remember whose call is about to be made."""
        tool, use_id = payload.get("tool_name"), payload.get("tool_use_id")
        if event != "PreToolUse" or not isinstance(tool, str) or not isinstance(use_id, str):
            return
        if tool.startswith("mcp__") and len(use_id) <= _ID_CHARS:
            self._calls[use_id] = session_caller(session, payload)
            self._calls.move_to_end(use_id)
            if len(self._calls) > MAX_CALLS:
                self._calls.popitem(last=False)

    def find(self, use_id: object) -> Caller | None:
        """Whoever was about to make a call with this id."""
        return self._calls.get(use_id) if isinstance(use_id, str) else None


def session_caller(session: Session, payload: Mapping[str, Any] | None = None) -> Caller:
    """A session, or the one of its agents that a hook's payload names, as who leaves a note."""
    told = payload or {}
    agent_id, folder = told.get("agent_id"), told.get("cwd")
    author = f"session {session.session_id[:_SHORT_ID_CHARS]}"
    if isinstance(agent_id, str) and agent_id:
        run = session.agents.get(agent_id)
        author = (run and run.name) or "an agent"
    return Caller(
        project=project_of(session.project),
        author=author,
        session_id=session.session_id,
        folder=folder if isinstance(folder, str) else session.project,
    )
