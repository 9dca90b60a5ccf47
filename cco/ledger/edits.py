"""Who read which file when, who is editing it now, and who changed it last."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cco.ledger.feed import Feed
from cco.ledger.recent import Recent
from cco.ledger.seen import digest

EDITING_TOOLS = frozenset(("Edit", "Write", "NotebookEdit", "MultiEdit"))
LEASE_S = 120.0
UNREAD_S = 3_600.0
"""How long a change counts against a Write by somebody who never read the file."""
SETTLES_S = 5.0
"""How long after an edit a formatter may still be at work on the file."""
MAX_READS = (1_000, 10_000)
"""Remembered reads of one session, and of all."""
MAX_CHANGES = (500, 3_000)
MAX_LEASES = (100, 400)
MAX_BLIND_SESSIONS = 500

Stamp = tuple[int, int]
"""A file on disk: nanoseconds of its last change, and its size in bytes."""
ABSENT: Stamp = (0, -1)


@dataclass(frozen=True, slots=True)
class Actor:
    """A session's own conversation, or one run of an agent in it."""

    session_id: str
    agent_id: str = ""
    agent: str = field(default="", compare=False)
    """The agent's name, to be shown."""

    def document(self) -> dict[str, Any]:
        return {
            "session_id": self.session_id,
            "agent_id": self.agent_id or None,
            "agent": self.agent or None,
        }

    def event_data(self) -> dict[str, Any]:
        """As events name whose they are: those of a session's own have no agent."""
        told = self.document()
        return told if self.agent_id else {"session_id": self.session_id}


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was found."""

    key: str
    """Equal for all paths that lead to it."""
    path: str
    """Resolved, to be shown."""
    stamp: Stamp | None = None
    """None where nobody looked."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody knows of a file."""

    session_id: str
    number: int
    stamp: Stamp | None
    settles_until: float
    """Until when a change on disk is taken for a sequel of one's own edit."""


@dataclass(frozen=True, slots=True)
class Change:
    """The last edit of a file."""

    number: int
    """In the order of everything that was seen."""
    actor: Actor
    tool: str
    at: float

    def document(self) -> dict[str, Any]:
        return {**self.actor.document(), "tool": self.tool, "at": self.at}


@dataclass(frozen=True, slots=True)
class Lease:
    """An edit that has begun."""

    file: File
    actor: Actor
    tool: str
    since: float
    taken_at: float = field(default=0.0, compare=False)
    """By a clock that nobody sets."""

    def document(self) -> dict[str, Any]:
        told = {"tool": self.tool, "since": self.since}
        return {"path": self.file.path, **self.actor.document(), **told}


@dataclass(frozen=True, slots=True)
class Conflict:
    """Why an edit may undo what another did."""

    kind: str
    """`editing`: another edits the file now; `changed`: another changed it after this one read it;
    `disk`: it changed on disk since, by no edit that was seen."""
    at: float
    other: Actor | None = None
    tool: str = ""
    unread: bool = False
    """Whether this one never read the file at all."""


class Edits:
    """Reads, leases and changes of files. Never looks at the disk: a File says what is there."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        feed: Feed | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._feed = Feed(clock) if feed is None else feed
        self._timer = timer
        self._number = 0
        self._reads: Recent[bytes, Seen] = Recent(
            *MAX_READS, lambda _, seen: seen.session_id, self._forgot_read
        )
        """By the digest of reader and file: they are many, and paths may be long."""
        self._changes: Recent[str, Change] = Recent(
            *MAX_CHANGES, lambda _, change: change.actor.session_id
        )
        self._leases: Recent[tuple[Actor, str], Lease] = Recent(
            *MAX_LEASES,
            lambda _, lease: lease.actor.session_id,
            lambda _, lease: self._tell_released(lease, "forgotten"),
        )
        self._blind: OrderedDict[str, int] = OrderedDict()
        """By session, the number up to which some of its reads are forgotten."""
        self._all_blind = 0

    # --- what happens ---

    def read(self, actor: Actor, file: File) -> None:
        """Somebody has read a file."""
        self._saw(actor, file, settles_until=0)

    def begin(self, actor: Actor, file: File, tool: str, tool_use_id: str) -> None:
        """Somebody begins to edit a file: theirs for now."""
        again = self._leases.pop((actor, tool_use_id)) is not None
        lease = Lease(file, actor, tool, self._clock(), self._timer())
        self._leases.put((actor, tool_use_id), lease)
        if not again:
            self._tell("lease.taken", lease)

    def finish(
        self, actor: Actor, file: File, tool: str, tool_use_id: str, *, failed: bool
    ) -> None:
        """An edit is over; its beginning need not have been heard of."""
        lease = self._leases.pop((actor, tool_use_id))
        if lease is not None:
            self._tell_released(lease, "failed" if failed else "done")
        if not failed:
            number = self._saw(actor, file, settles_until=self._clock() + SETTLES_S)
            change = Change(number, actor, tool, self._clock())
            self._changes.put(file.key, change)

    def release_of(self, actor: Actor, reason: str, *, keep: str | None = None) -> None:
        """One conversation edits nothing any more, but for the call that is named."""
        for key, lease in self._leases.items():
            if lease.actor == actor and key[1] != keep:
                self._release(key, reason)

    def release_session(self, session_id: str) -> None:
        """A session and its agents edit nothing any more. What they read stays known: a session
        that is resumed still has it in its conversation."""
        for key, lease in self._leases.items():
            if lease.actor.session_id == session_id:
                self._release(key, "ended")

    def expire(self) -> float | None:
        """End the leases that are too old; returns in how many seconds the next one will be."""
        now = self._timer()
        for key, lease in self._leases.items():
            remaining_s = lease.taken_at + LEASE_S - now
            if remaining_s > 0:
                return remaining_s
            self._release(key, "timed out")
        return None

    # --- what is known ---

    def conflict(self, actor: Actor, file: File, tool: str) -> Conflict | None:
        """Whether an edit that is about to begin may undo what another did."""
        others = [lease for lease in self.leases(file.key) if lease.actor != actor]
        if others:
            held = others[-1]
            return Conflict("editing", held.since, held.actor, held.tool)
        if file.stamp == ABSENT:  # there is nothing to undo, nor to read again
            return None
        seen, change = self._reads.get(_reading(actor, file)), self._changes.get(file.key)
        if change is not None and self._missed(actor, seen, change, tool):
            return Conflict("changed", change.at, change.actor, change.tool, seen is None)
        return (
            None if seen is None or _is_as_it_was(seen, file) else Conflict("disk", self._clock())
        )

    def leases(self, key: str | None = None) -> list[Lease]:
        """All leases, or those on one file; the oldest first."""
        self.expire()
        return [lease for _, lease in self._leases.items() if key in (None, lease.file.key)]

    def last_change(self, key: str) -> Change | None:
        """The last edit of a file, as far as it is remembered."""
        return self._changes.get(key)

    def _missed(self, actor: Actor, seen: Seen | None, change: Change, tool: str) -> bool:
        """Whether somebody does not know a change.

        Without a read, only a Write shows that: an Edit must know the text that it replaces, from
        wherever. A read that may have been forgotten counts as one, and so do edits of one's own.
        """
        if seen is not None:
            return change.number > seen.number
        blind = max(self._all_blind, self._blind.get(actor.session_id, 0))
        recent = self._clock() - change.at < UNREAD_S
        return tool == "Write" and recent and change.number > blind

    def _saw(self, actor: Actor, file: File, *, settles_until: float) -> int:
        self._number += 1
        seen = Seen(actor.session_id, self._number, file.stamp, settles_until)
        self._reads.put(_reading(actor, file), seen)
        return self._number

    def _forgot_read(self, session_id: str, seen: Seen) -> None:
        self._blind[session_id] = seen.number
        if len(self._blind) > MAX_BLIND_SESSIONS:
            _, number = self._blind.popitem(last=False)
            self._all_blind = max(self._all_blind, number)

    def _release(self, key: tuple[Actor, str], reason: str) -> None:
        lease = self._leases.pop(key)
        if lease is not None:
            self._tell_released(lease, reason)

    def _tell_released(self, lease: Lease, reason: str) -> None:
        self._tell("lease.released", lease, reason=reason)

    def _tell(self, kind: str, lease: Lease, **data: Any) -> None:
        told: dict[str, Any] = {"path": lease.file.path, "tool": lease.tool, "since": lease.since}
        self._feed.publish(kind, **lease.actor.event_data(), **told, **data)


def _reading(actor: Actor, file: File) -> bytes:
    return digest((actor.session_id, actor.agent_id, file.key))


def _is_as_it_was(seen: Seen, file: File) -> bool:
    """Whether a file is on disk as somebody knows it, as far as anybody looked."""
    if seen.stamp is None or file.stamp is None or seen.stamp == file.stamp:
        return True
    return seen.stamp[0] <= file.stamp[0] <= seen.settles_until * 1e9
