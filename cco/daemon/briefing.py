"""What Claude Code is told, read from the sealed files at each use: verify, decrypt, serve."""

from __future__ import annotations

import string
from typing import Any

from cco.catalogue.model import INJECTION_LIMIT_CHARS
from cco.ledger.recap import recap
from cco.ledger.records import Session
from cco.sealing import names
from cco.sealing.sealed_set import SealedSet

_MIN_RECAP_CHARS = 300


class Briefing:
    """Serves rules, briefs and compaction texts out of one sealed set."""

    def __init__(self, sealed: SealedSet) -> None:
        self._sealed = sealed

    def rules(self) -> str:
        """The orchestration rules.

        Raises: SealError.
        """
        return _bounded(str(self._sealed.open_member(names.RULES)["rules"]))

    def brief(self, agent_type: str) -> str | None:
        """A specialist's brief; None for an agent that is not ours.

        Raises: SealError.
        """
        namespace, _, name = agent_type.rpartition(":")
        if namespace != "cco":
            return None
        for agent in self._sealed.open_member(names.AGENTS)["agents"]:
            if agent["name"] == name:
                return _bounded(str(agent["brief"]))
        return None

    def before_compaction(self, session: Session) -> str:
        """What the summary must keep.

        Raises: SealError.
        """
        return self._compaction_text("pre_compact", session, INJECTION_LIMIT_CHARS)

    def after_compaction(self, session: Session) -> str:
        """The rules again, and where the work stood.

        Raises: SealError.
        """
        rules = self.rules()
        room = INJECTION_LIMIT_CHARS - len(rules) - 2
        return f"{self._compaction_text('post_compact', session, room)}\n\n{rules}"

    def _compaction_text(self, name: str, session: Session, limit_chars: int) -> str:
        text = str(self._sealed.open_member(names.HOOKS)[name])
        frame = len(text) - len("$state")
        room = max(limit_chars - frame, 0)
        state = recap(session, room) if room >= _MIN_RECAP_CHARS else ""
        return string.Template(text).safe_substitute(state=state)[:limit_chars]


def _bounded(text: str) -> str:
    return text[:INJECTION_LIMIT_CHARS]


def compaction_output(text: str) -> dict[str, Any]:
    """PreCompact's answer. Claude Code demands a JSON object of an http hook and puts its text, as
    it is, into the summariser's prompt: as lines it stays readable there."""
    return {"instructions": text.splitlines()}


def context_output(event: str, text: str) -> dict[str, Any]:
    """A hook's answer that adds a text to the model's context."""
    return {"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}
