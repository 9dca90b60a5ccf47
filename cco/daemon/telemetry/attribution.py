"""Whose calls they were, where telemetry does not say: clients older than AGENT_IN_TELEMETRY.

A call of theirs counts for its session until the transcript of an agent tells that it was the
agent's. Of a transcript nothing is taken but what identifies a call: the tokens that both tell.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cco.claude import versions
from cco.ledger.call import usage_of
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.records import AgentRun, Session, Usage

HELD_S = 5.0
"""How long after it was heard of a call may be claimed: transcripts are written as answers come."""
FOLLOWED_S = 30.0
"""How long after an agent's end its transcript is looked at: telemetry may tell of a call later."""
RETRY_S = 1.0
_MAX_SESSIONS = 100
_MAX_CALLS = 2_000
_MAX_READ_BYTES = 16 * 1024 * 1024
_MARK = b'"assistant"'

Key = tuple[int, int, int]
"""Tokens of input, read from the cache, and written to it."""
CallLater = Callable[[float, Callable[[], None]], object]


@dataclass
class _Call:
    """A call that telemetry told of."""

    heard_at: float
    record: LogRecord
    usage: Usage

    @property
    def key(self) -> Key:
        usage = self.usage
        return usage.input_tokens, usage.cache_read_tokens, usage.cache_creation_tokens


@dataclass
class _Claim:
    """A call that an agent's transcript told of."""

    agent_id: str
    key: Key
    model: str
    request_id: str


@dataclass
class _Transcript:
    """How far one was read."""

    offset: int = 0
    messages: set[str] = field(default_factory=set)


@dataclass
class _Followed:
    """One session of an old client."""

    calls: deque[_Call] = field(default_factory=lambda: deque(maxlen=_MAX_CALLS))
    claims: deque[_Claim] = field(default_factory=lambda: deque(maxlen=_MAX_CALLS))
    transcripts: dict[str, _Transcript] = field(default_factory=dict)


class Attribution:
    """Gives agents the calls that were theirs."""

    def __init__(
        self,
        ledger: Ledger,
        call_later: CallLater = lambda seconds, call: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._call_later = call_later
        self._clock = clock
        self._paths: OrderedDict[str, str] = OrderedDict()
        self._followed: OrderedDict[str, _Followed] = OrderedDict()
        self._is_waiting = False

    def heard(self, event: str, session: Session, payload: Mapping[str, Any]) -> None:
        """Remember where the transcripts of a session's agents are."""
        path = payload.get("transcript_path")
        if event == "SubagentStart" and isinstance(path, str) and path.endswith(".jsonl"):
            _keep(self._paths, session.session_id, path.removesuffix(".jsonl"))

    def note(self, record: LogRecord) -> None:
        """Take in a call that the ledger has counted."""
        client = versions.parse_version(record.client_version)
        if record.event != "api_request" or versions.AGENT_IN_TELEMETRY.is_in(client):
            return
        session_id = str(record.attributes.get("session.id"))
        followed = self._followed.get(session_id) or _Followed()
        _keep(self._followed, session_id, followed)
        followed.calls.append(_Call(self._clock(), record, usage_of(record.attributes)))

    def settle(self) -> None:
        """Read what agents have written since, and give them what was theirs."""
        for session_id, followed in list(self._followed.items()):
            session = self._ledger.get(session_id)
            agents = [] if session is None else [*filter(self._is_open, session.agents.values())]
            for run in agents:
                followed.claims += self._claims(followed, session_id, run.agent_id)
            followed.claims = deque(
                (one for one in followed.claims if not self._give(session_id, followed, one)),
                maxlen=_MAX_CALLS,
            )
            while followed.calls and followed.calls[0].heard_at < self._clock() - HELD_S:
                followed.calls.popleft()  # the session's own
            if not agents and not followed.calls:
                del self._followed[session_id]
        if self._followed and not self._is_waiting:
            self._is_waiting = True
            self._call_later(RETRY_S, self._settle_again)

    def unsettled(self) -> Iterator[LogRecord]:
        """Calls that count for their session so far and may yet be an agent's."""
        for followed in self._followed.values():
            yield from (call.record for call in followed.calls)

    def _settle_again(self) -> None:
        self._is_waiting = False
        self.settle()

    def _is_open(self, run: AgentRun) -> bool:
        return run.ended_at is None or self._clock() - run.ended_at < FOLLOWED_S

    def _give(self, session_id: str, followed: _Followed, claim: _Claim) -> bool:
        fitting = [call for call in followed.calls if call.key == claim.key]
        if not fitting:
            return False
        call = max(fitting, key=lambda one: _likeness(one, claim))
        followed.calls.remove(call)
        self._ledger.give_call(session_id, claim.agent_id, call.record)
        return True

    def _claims(self, followed: _Followed, session_id: str, agent_id: str) -> Iterator[_Claim]:
        place = self._paths.get(session_id)
        if place is None or not agent_id.isalnum():
            return
        transcript = followed.transcripts.setdefault(agent_id, _Transcript())
        path = Path(place, "subagents", f"agent-{agent_id}.jsonl")
        for line in _new_lines(path, transcript):
            claim = _claim(agent_id, line, transcript.messages)
            if claim is not None:
                yield claim


def _keep(kept: OrderedDict[str, Any], session_id: str, value: object) -> None:
    kept[session_id] = value
    kept.move_to_end(session_id)
    if len(kept) > _MAX_SESSIONS:
        kept.popitem(last=False)


def _likeness(call: _Call, claim: _Claim) -> tuple[bool, bool]:
    """Of calls that fit: the same request, else the same model, whose name may have a date."""
    model = str(call.record.attributes.get("model", ""))
    request_id = call.record.attributes.get("request_id")
    same_request = bool(claim.request_id) and request_id == claim.request_id
    return same_request, model.startswith(claim.model) or claim.model.startswith(model)


def _new_lines(path: Path, transcript: _Transcript) -> list[bytes]:
    """The whole lines about the model's answers that were not read yet."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return []
        with path.open("rb") as file:
            file.seek(transcript.offset)
            data = file.read(_MAX_READ_BYTES)
    except OSError:
        return []
    whole = data.rfind(b"\n") + 1
    if not whole and len(data) == _MAX_READ_BYTES:  # one line, longer than any answer
        whole = len(data)
    transcript.offset += whole
    return [line for line in data[:whole].splitlines() if _MARK in line]


def _claim(agent_id: str, line: bytes, known: set[str]) -> _Claim | None:
    """What a line says of a call; None where it is of none, or of one that is known."""
    try:
        entry = json.loads(line)
        message = entry["message"]
        message_id, usage = str(message["id"]), message["usage"]
        if entry["type"] != "assistant" or message_id in known:
            return None
        told = usage_of(
            {
                "input_tokens": usage.get("input_tokens"),
                "cache_read_tokens": usage.get("cache_read_input_tokens"),
                "cache_creation_tokens": usage.get("cache_creation_input_tokens"),
            }
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    known.add(message_id)
    key = told.input_tokens, told.cache_read_tokens, told.cache_creation_tokens
    request_id = str(entry.get("requestId") or "")
    return _Claim(agent_id, key, str(message.get("model") or ""), request_id)
