"""What of the ledger was not yet written down."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from cco.ledger.records import Session
from cco.ledger.totals import Totals

MAX_PENDING = 50_000


@dataclass(slots=True)
class SessionChange:
    """A session that has changed."""

    session_id: str
    runs: set[str] = field(default_factory=set)
    """Runs of its agents that have changed."""
    gone: list[str] = field(default_factory=list)
    """Runs that are no longer kept; some may have come back since."""
    seen: bytearray = field(default_factory=bytearray)
    """Digests of its telemetry records, one behind the other."""


@dataclass(slots=True)
class SessionFold:
    """A session that is no longer kept."""

    session_id: str
    orchestrated: bool
    totals: Totals
    """What it brought to the totals."""
    seen: bytearray


class Changes:
    """Collects changes until somebody takes them; should nobody do so, just that there are many."""

    def __init__(self) -> None:
        self.overflowed = False
        """Whether so much has changed that all of the ledger must be written."""
        self._sessions: dict[str, SessionChange] = {}
        self._folds: deque[SessionFold] = deque()
        self._pending = 0

    def __bool__(self) -> bool:
        return bool(self._sessions or self._folds)

    def session(self, session_id: str) -> SessionChange:
        """Note that a session changes; what of it, is for the caller to add."""
        change = self._sessions.get(session_id)
        if change is None:
            change = self._sessions[session_id] = SessionChange(session_id)
        self._pending += 1
        if self._pending > MAX_PENDING:
            self.clear()
            self.overflowed = True
            change = SessionChange(session_id)
        return change

    def fold(self, session: Session, totals: Totals, digest: bytes) -> None:
        """Note that a session went into the totals."""
        session_id = session.session_id
        change = self.session(session_id)
        self._sessions.pop(session_id, None)
        seen = change.seen + digest
        self._folds.append(SessionFold(session_id, session.orchestrated, totals, seen))

    def clear(self) -> None:
        """Forget all changes."""
        self._sessions.clear()
        self._folds.clear()
        self._pending = 0
        self.overflowed = False

    def take(self) -> Iterator[SessionFold | SessionChange]:
        """Take out one after the other. Folds come first: a session may have come back since."""
        while self._folds or self._sessions:
            if self._folds:
                yield self._folds.popleft()
            else:
                yield self._sessions.pop(next(iter(self._sessions)))
        self._pending = 0
