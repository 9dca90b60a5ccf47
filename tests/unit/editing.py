"""Two sessions and two agents, the files they edit, and a clock that stands."""

from __future__ import annotations

from cco.ledger.edits import Actor, Edits, File, Stamp
from cco.ledger.feed import Feed

LATER = 2 * 10**15
"""Nanoseconds, on a day when no test runs any more."""
ME = Actor("s")
AGENT = Actor("s", "a", "debugger")
TWIN = Actor("s", "b", "debugger")
STRANGER = Actor("t")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[Edits, Clock, Feed]:
    clock = Clock()
    feed = Feed(clock)
    return Edits(clock, feed, clock), clock, feed


def file(name: str = "/f", stamp: Stamp | None = (1, 1)) -> File:
    return File(name, name, stamp)


def kind(edits: Edits, actor: Actor, target: File, tool: str = "Edit") -> str | None:
    found = edits.conflict(actor, target, tool)
    return None if found is None else found.kind
