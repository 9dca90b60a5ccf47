"""Reads, leases and changes in any order, compared with a simple model."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cco.ledger.edits import LEASE_S, UNREAD_S, Actor, File
from tests.unit.editing import AGENT, LATER, ME, STRANGER, TWIN, file, kind, make

ACTORS = [ME, AGENT, TWIN, STRANGER]
NAMES = ["/f", "/g"]
actors = st.sampled_from(ACTORS)
files = st.sampled_from(NAMES)
tools = st.sampled_from(["Edit", "Write"])


@dataclass
class Entry:
    """All that ever happened to one file."""

    stamp: int = LATER
    history: list[tuple[str, Actor, int]] = field(default_factory=list)
    """`read` or `edit`, by whom, and the stamp after it."""


class EditsMachine(RuleBasedStateMachine):
    """Keeps the whole history and answers every question by looking through it."""

    def __init__(self) -> None:
        super().__init__()
        self.edits, self.clock, self.feed = make()
        self.entries = {name: Entry() for name in NAMES}
        self.open: dict[Actor, tuple[str, float]] = {}

    def file(self, name: str) -> File:
        return file(name, (self.entries[name].stamp, 0))

    def note(self, name: str, what: str, actor: Actor) -> None:
        self.entries[name].history.append((what, actor, self.entries[name].stamp))

    def held(self, name: str) -> set[Actor]:
        return {who for who, (held, at) in self.open.items() if held == name and self.fresh(at)}

    def fresh(self, at: float) -> bool:
        return self.clock.now - at < LEASE_S

    @rule(actor=actors, name=files)
    def read(self, actor: Actor, name: str) -> None:
        self.edits.read(actor, self.file(name))
        self.note(name, "read", actor)

    @rule(actor=actors, name=files, tool=tools)
    def begin(self, actor: Actor, name: str, tool: str) -> None:
        self.edits.release_of(actor, "overtaken")
        self.edits.begin(actor, self.file(name), tool, "call")
        self.open[actor] = (name, self.clock.now)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), failed=st.booleans())
    def finish(self, data: st.DataObject, failed: bool) -> None:
        actor = data.draw(st.sampled_from(list(self.open)))
        name, _ = self.open.pop(actor)
        if not failed:
            self.entries[name].stamp += 1
            self.note(name, "edit", actor)
        self.edits.finish(actor, self.file(name), "Edit", "call", failed=failed)

    @rule(actor=actors, name=files)
    def edit_unannounced(self, actor: Actor, name: str) -> None:
        self.entries[name].stamp += 1
        self.note(name, "edit", actor)
        self.edits.finish(actor, self.file(name), "Edit", "unheard", failed=False)

    @rule(name=files)
    def change_on_disk(self, name: str) -> None:
        self.entries[name].stamp += 1

    @rule(actor=actors)
    def end_agent(self, actor: Actor) -> None:
        self.edits.release_of(actor, "ended")
        self.open.pop(actor, None)

    @rule(session_id=st.sampled_from(["s", "t"]))
    def end_session(self, session_id: str) -> None:
        self.edits.release_session(session_id)
        self.open = {who: it for who, it in self.open.items() if who.session_id != session_id}

    @rule(seconds=st.sampled_from([1.0, LEASE_S / 2, LEASE_S, UNREAD_S]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    def expected(self, actor: Actor, name: str) -> str | None:
        if self.held(name) - {actor}:
            return "editing"
        history = self.entries[name].history
        mine = [place for place, (_, who, _) in enumerate(history) if who == actor]
        changes = [place for place, (what, _, _) in enumerate(history) if what == "edit"]
        if not mine:
            return None
        if changes and history[changes[-1]][1] != actor and changes[-1] > mine[-1]:
            return "changed"
        return "disk" if history[mine[-1]][2] != self.entries[name].stamp else None

    @invariant()
    def agrees(self) -> None:
        for actor, name in product(ACTORS, NAMES):
            assert kind(self.edits, actor, self.file(name)) == self.expected(actor, name)
        for name in NAMES:
            assert {lease.actor for lease in self.edits.leases(name)} == self.held(name)

    @invariant()
    def every_lease_is_told_of(self) -> None:
        kinds = [event.kind for event in self.feed.since(0)]
        held = kinds.count("lease.taken") - kinds.count("lease.released")
        assert held == len(self.edits.leases())


TestEditsMachine = EditsMachine.TestCase
