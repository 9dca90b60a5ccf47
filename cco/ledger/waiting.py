"""Who waits for the person at this moment: calls of tools that Claude Code asks a permission or an
answer for. Of a call no more than its tool's name is told; nothing of this is written down.

A question has no id of its own: it is that of the call with the same tool and input, whose start
was told before. An agent has several calls under way where each is harmless, and one that runs must
not end the question of another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cco.ledger.payload import ID_CHARS, opening

MAX_CALLS = 64
MAX_WAITS = 32
_Call = tuple[str, str, int]
"""Of whom (empty for the session itself), the tool, a hash of its input."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One question that is not answered yet."""

    agent_id: str
    """Empty for the session itself."""
    tool: str
    since: float
    call_id: str
    """Empty where the start of the call was not heard of."""


Change = tuple[Literal["waiting", "answered"], Wait]


@dataclass(slots=True)
class Waits:
    """The questions of one session, the oldest first, and the calls that may become some."""

    _calls: dict[str, _Call] = field(default_factory=dict)
    _waits: list[Wait] = field(default_factory=list)

    def __iter__(self) -> Iterator[Wait]:
        return iter(self._waits)

    def __bool__(self) -> bool:
        return bool(self._waits)

    def hear(self, event: str, payload: Mapping[str, Any], now: float) -> list[Change]:
        """Take in a hook; returns the questions that it asks or ends."""
        agent_id, call_id = _id(payload, "agent_id"), _id(payload, "tool_use_id")
        if event in ("PreToolUse", "PermissionRequest"):
            call = agent_id, _id(payload, "tool_name"), _hash(payload.get("tool_input"))
            if event == "PermissionRequest":
                return [("waiting", self._ask(call, now))]
            self._start(call_id, call)
        elif event in ("PostToolUse", "PostToolUseFailure"):
            self._calls.pop(call_id, None)
            return self._end(  # a question of no known call ends with any result of the same agent
                lambda one: one.call_id == call_id if one.call_id else one.agent_id == agent_id
            )
        elif event in ("UserPromptSubmit", "Stop"):
            return self._go_on("")
        elif event == "SubagentStop" and agent_id:
            return self._go_on(agent_id)
        elif event == "SessionEnd" or (
            event == "SessionStart" and payload.get("source") != "compact"
        ):
            self.clear()
        return []

    def hear_decision(self, call_id: object) -> list[Change]:
        """Take in what telemetry tells: hooks tell of what was allowed only when it is done, and of
        what was refused mostly nothing."""
        return self._end(lambda one: bool(one.call_id) and one.call_id == call_id)

    def clear(self) -> None:
        """Nobody waits any more."""
        self._calls.clear()
        self._waits.clear()

    def _start(self, call_id: str, call: _Call) -> None:
        if call_id:
            self._calls[call_id] = call
            if len(self._calls) > MAX_CALLS:
                del self._calls[next(iter(self._calls))]

    def _ask(self, call: _Call, now: float) -> Wait:
        known = {one.call_id for one in self._waits}
        of_it = (one for one, made in self._calls.items() if made == call and one not in known)
        wait = Wait(call[0], call[1], now, next(of_it, ""))
        self._waits.append(wait)
        del self._waits[:-MAX_WAITS]
        return wait

    def _go_on(self, agent_id: str) -> list[Change]:
        """An agent, or the session itself, does what nobody does who waits."""
        for call_id in [one for one, call in self._calls.items() if call[0] == agent_id]:
            del self._calls[call_id]
        return self._end(lambda one: one.agent_id == agent_id)

    def _end(self, is_over: Callable[[Wait], bool]) -> list[Change]:
        over: list[Change] = [("answered", one) for one in self._waits if is_over(one)]
        if over:
            self._waits = [one for one in self._waits if not is_over(one)]
        return over


def _id(payload: Mapping[str, Any], name: str) -> str:
    return opening(payload.get(name), ID_CHARS)


def _hash(tool_input: object) -> int:
    try:
        return hash(json.dumps(tool_input, sort_keys=True))
    except (TypeError, ValueError, RecursionError):
        return 0
