"""Whose conversation was compacted, where hooks do not say: clients older than AGENT_IN_COMPACTION.

An agent of theirs that starts again after a compaction looks like its session. But what grew too
long is told by the transcripts: whose last answer had the most tokens before it, of those whose
model is the one that starts again.
"""

from __future__ import annotations

import json
import os
import stat
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cco.claude import versions
from cco.ledger.call import usage_of
from cco.ledger.ledger import Ledger
from cco.ledger.records import AgentRun, Session

_MAX_SESSIONS = 100
_TAIL_BYTES = 256 * 1024
_MARK = b'"assistant"'


class Compactions:
    """Adds to hooks about a compaction which agent they are about."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._compacted: OrderedDict[str, AgentRun] = OrderedDict()

    def with_agent(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The payload, with the agent if it is one's and an old client has left that out."""
        session = self._ledger.get(str(payload.get("session_id")))
        if session is None or payload.get("agent_id"):
            return payload
        client = versions.parse_version(session.client_version or "")
        if versions.AGENT_IN_COMPACTION.is_in(client):
            return payload
        run = None
        if event == "PostCompact":  # follows the start that a compaction ends with
            run = self._compacted.pop(session.session_id, None)
        elif event == "SessionStart" and payload.get("source") == "compact":
            run = _compacted_run(session, payload)
            if run is not None:
                self._compacted[session.session_id] = run
                if len(self._compacted) > _MAX_SESSIONS:
                    self._compacted.popitem(last=False)
        if run is None:
            return payload
        return {**payload, "agent_id": run.agent_id, "agent_type": f"cco:{run.name}"}


def _compacted_run(session: Session, payload: Mapping[str, Any]) -> AgentRun | None:
    own = payload.get("transcript_path")
    if not session.running or not isinstance(own, str) or not own.endswith(".jsonl"):
        return None
    model = str(payload.get("model") or "")
    folder = Path(own.removesuffix(".jsonl"), "subagents")
    longest, found = _length(Path(own), model), None
    for run in session.running:
        if run.agent_id.isalnum():
            length = _length(folder / f"agent-{run.agent_id}.jsonl", model)
            if length > longest:
                longest, found = length, run
    return found


def _length(transcript: Path, model: str) -> tuple[bool, int]:
    """Whether the last answer in a transcript is a model's, and how long the conversation was."""
    for line in reversed(_tail(transcript).splitlines()):
        if _MARK not in line:
            continue
        try:
            entry = json.loads(line)
            message = entry["message"]
            usage = message["usage"]
            told = usage_of(
                {
                    "input_tokens": usage.get("input_tokens"),
                    "cache_read_tokens": usage.get("cache_read_input_tokens"),
                    "cache_creation_tokens": usage.get("cache_creation_input_tokens"),
                }
            )
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            continue
        if entry.get("type") == "assistant":
            total = told.input_tokens + told.cache_read_tokens + told.cache_creation_tokens
            return model.startswith(str(message.get("model"))), total
    return False, 0


def _tail(path: Path) -> bytes:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            return b""
        with path.open("rb") as file:
            file.seek(max(status.st_size - _TAIL_BYTES, 0))
            return file.read(_TAIL_BYTES)
    except OSError:
        return b""
