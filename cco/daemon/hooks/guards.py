"""Those who may speak up before a tool runs or a prompt is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cco.ledger.records import Session


@dataclass(frozen=True)
class Decision:
    """What a guard has to say."""

    reason: str
    """For the model, and where it stops something, for the user."""
    stops: bool = False
    """Whether the tool does not run or the prompt is not taken; otherwise it is only told."""


class Guard(Protocol):
    """Looks at what is about to happen."""

    def before_tool(self, session: Session, payload: Mapping[str, Any]) -> Decision | None:
        """Say something before a tool runs (PreToolUse), or nothing."""

    def before_prompt(self, session: Session, payload: Mapping[str, Any]) -> Decision | None:
        """Say something before a prompt is taken (UserPromptSubmit), or nothing."""


class Observer(Protocol):
    """Is told what happened, before it is answered."""

    def heard(self, event: str, session: Session, payload: Mapping[str, Any]) -> None:
        """Take in one event."""


def tool_output(decisions: Sequence[Decision]) -> dict[str, Any]:
    """PreToolUse's answer: the first that stops, else all that is told."""
    stopping = [decision for decision in decisions if decision.stops]
    told: dict[str, Any] = {"hookEventName": "PreToolUse"}
    if stopping:
        told |= {
            "permissionDecision": "deny",
            "permissionDecisionReason": stopping[0].reason,
        }
    else:
        told["additionalContext"] = "\n".join(decision.reason for decision in decisions)
    return {"hookSpecificOutput": told}


def block_output(decision: Decision) -> dict[str, Any]:
    """UserPromptSubmit's answer that keeps the prompt from being taken."""
    return {"decision": "block", "reason": decision.reason}
