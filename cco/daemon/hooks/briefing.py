"""What Claude Code is told, read from the sealed files at each use: verify, decrypt, serve."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

from cco.catalogue.model import INJECTION_LIMIT_CHARS
from cco.claude.plugin import NAME
from cco.daemon.upkeep import Upkeep
from cco.ledger.recap import agent_recap, recap
from cco.ledger.records import Session
from cco.sealing import names

_NAMESPACE = f"{NAME}:"


class Briefing:
    """Serves rules, briefs and compaction texts out of one sealed set."""

    def __init__(self, sealed: Upkeep) -> None:
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
        if not agent_type.startswith(_NAMESPACE):
            return None
        name = agent_type.removeprefix(_NAMESPACE)
        for agent in self._sealed.open_member(names.AGENTS)["agents"]:
            if agent["name"] == name:
                return _bounded(str(agent["brief"]))
        return None

    def before_compaction(self, session: Session) -> str:
        """What the summary of a session must keep.

        Raises: SealError.
        """
        return self._with_state("pre_compact", lambda room: recap(session, room), 0)

    def after_compaction(self, session: Session) -> str:
        """The rules again, and where the work stood.

        Raises: SealError.
        """
        rules = self.rules()
        frame = self._with_state("post_compact", lambda room: recap(session, room), len(rules) + 2)
        return f"{frame}\n\n{rules}"

    def before_agent_compaction(
        self, session: Session, agent_id: str, agent_type: str
    ) -> str | None:
        """What the summary of a specialist's own conversation must keep; None if it is not ours.

        Raises: SealError.
        """
        if not agent_type.startswith(_NAMESPACE):
            return None
        return self._with_state(
            "agent_pre_compact", lambda room: agent_recap(session, agent_id, room), 0
        )

    def after_agent_compaction(
        self, session: Session, agent_id: str, agent_type: str
    ) -> str | None:
        """A specialist's brief again, which went with its conversation; None if it is not ours.

        Raises: SealError.
        """
        brief = self.brief(agent_type)
        if brief is None:
            return None
        frame = self._with_state(
            "agent_post_compact", lambda room: agent_recap(session, agent_id, room), len(brief) + 2
        )
        return f"{frame}\n\n{brief}"

    def _with_state(self, name: str, state: Callable[[int], str], beside_chars: int) -> str:
        """A compaction text with the state in it, so long that the rest still fits beside it."""
        text = str(self._sealed.open_member(names.HOOKS)[name])
        room = INJECTION_LIMIT_CHARS - beside_chars
        told = state(max(room - len(text) + len("$state"), 0))
        return string.Template(text).safe_substitute(state=told or "- nothing")[: max(room, 0)]


def _bounded(text: str) -> str:
    return text[:INJECTION_LIMIT_CHARS]


def compaction_output(text: str) -> dict[str, Any]:
    """PreCompact's answer. Claude Code demands a JSON object of an http hook and puts its text, as
    it is, into the summariser's prompt: as lines it stays readable there."""
    return {"instructions": text.splitlines()}


def context_output(event: str, text: str) -> dict[str, Any]:
    """A hook's answer that adds a text to the model's context."""
    return {"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}
