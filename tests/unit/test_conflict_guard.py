"""The guard's timer, and its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cco.daemon.hooks.conflict_guard import ConflictGuard
from cco.daemon.hooks.disk import Disk
from cco.ledger.edits import LEASE_S, Edits
from cco.ledger.feed import Feed
from cco.ledger.records import Session


class World:
    """A guard whose time is the test's."""

    def __init__(self, *, deny: bool = False) -> None:
        self.now = 1_000.0
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.feed = Feed(lambda: self.now)
        self.edits = Edits(lambda: self.now, self.feed, lambda: self.now)
        self.guard = ConflictGuard(
            self.edits,
            Disk(lambda: [("/", "nfs")]),
            self.feed,
            deny=deny,
            call_later=lambda seconds, call: self.timers.append((self.now + seconds, call)),
            clock=lambda: self.now,
        )

    def tell(self, event: str, session_id: str, path: str = "/f", tool: str = "Edit") -> str | None:
        payload: dict[str, Any] = {
            "tool_name": tool,
            "tool_input": {"file_path": path},
            "tool_use_id": path,
        }
        session = Session(session_id)
        if event != "PreToolUse":
            self.guard.heard(event, session, payload)
            return None
        decision = self.guard.before_tool(session, payload)
        return None if decision is None else decision.reason

    def ring(self) -> None:
        """Let the next timer ring."""
        at, call = self.timers.pop(0)
        self.now = max(self.now, at)
        call()


def test_leases_end_in_time_though_nothing_happens() -> None:
    world = World()
    for number in range(3):
        world.tell("PreToolUse", f"s{number}")
        world.now += 10
    assert [at for at, _ in world.timers] == [1_000 + LEASE_S]
    for left in (2, 1, 0):
        world.ring()
        kinds = [event.kind for event in world.feed.since(0)]
        assert kinds.count("lease.taken") - kinds.count("lease.released") == left
    assert world.timers == []
    world.tell("PreToolUse", "s")
    assert len(world.timers) == 1


def test_a_timer_that_rings_for_nothing_rings_no_more() -> None:
    world = World()
    world.tell("PreToolUse", "s")
    world.tell("PostToolUse", "s")
    world.ring()
    assert world.timers == []


def test_no_lease_is_taken_by_who_is_stopped() -> None:
    world = World(deny=True)
    world.tell("PreToolUse", "one")
    assert world.tell("PreToolUse", "two")
    assert [lease.actor.session_id for lease in world.edits.leases()] == ["one"]
    world.guard.heard("SessionEnd", Session("one"), {})
    assert world.tell("PreToolUse", "two") is None


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-5, "0 s"), (0.4, "0 s"), (59.6, "60 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"),
     (7_200, "2 h"), (1e6, "277 h")],
)  # fmt: skip
def test_how_long_ago(seconds: float, shown: str) -> None:
    world = World()
    world.tell("PostToolUse", "one", tool="Read")
    world.tell("PostToolUse", "two")
    world.now += seconds
    told = world.tell("PreToolUse", "one")
    assert told is not None
    assert f"(Edit, {shown} ago)" in told


@pytest.mark.parametrize("failed", [False, True])
def test_where_nobody_may_look_an_attempt_to_read_counts(failed: bool) -> None:
    """Otherwise a file that is gone could never be written again in `deny`."""
    world = World(deny=True)
    world.tell("PostToolUse", "one", tool="Read")
    world.tell("PostToolUse", "two")
    assert world.tell("PreToolUse", "one", tool="Write")
    world.tell("PostToolUseFailure" if failed else "PostToolUse", "one", tool="Read")
    assert world.tell("PreToolUse", "one", tool="Write") is None
