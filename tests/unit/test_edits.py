"""Reads, leases, changes: who is told of what, and what is bounded."""

from __future__ import annotations

import json
from itertools import permutations, product

import pytest

from cco.ledger import edits as module
from cco.ledger.edits import ABSENT, LEASE_S, SETTLES_S, UNREAD_S, Actor, Edits, File, Stamp
from cco.ledger.feed import Feed
from tests.unit.editing import AGENT, LATER, ME, STRANGER, TWIN, Clock, file, kind, make

OTHERS = [AGENT, STRANGER]


def edit(edits: Edits, actor: Actor, target: File, tool: str = "Edit") -> None:
    edits.begin(actor, target, tool, "call")
    edits.finish(actor, target, tool, "call", failed=False)


def test_an_agent_is_who_it_is_by_its_id_not_by_its_name() -> None:
    assert Actor("s", "a", "one") == Actor("s", "a", "two")
    assert len({AGENT, TWIN, ME, STRANGER, Actor("t", "a")}) == 5


@pytest.mark.parametrize("other", OTHERS)
def test_a_change_after_the_read_is_a_conflict_until_the_file_is_read_again(other: Actor) -> None:
    edits, clock, _ = make()
    edits.read(ME, file())
    clock.now += 5
    edit(edits, other, file(stamp=(2, 2)))
    found = edits.conflict(ME, file(stamp=(2, 2)), "Edit")
    assert found is not None
    assert (found.kind, found.other, found.tool, found.at) == ("changed", other, "Edit", clock.now)
    assert not found.unread
    assert kind(edits, ME, file(stamp=(2, 2))) == "changed"  # asking alone changes nothing
    edits.read(ME, file(stamp=(2, 2)))
    assert kind(edits, ME, file(stamp=(2, 2))) is None


@pytest.mark.parametrize(
    "order", list(permutations(("my read", "their read", "my edit", "their edit")))
)
def test_every_order_of_two_who_read_and_edit(order: tuple[str, ...]) -> None:
    edits, _, _ = make()
    stamp = 1
    for step in order:
        who = ME if step.startswith("my") else AGENT
        if step.endswith("edit"):
            stamp += 1
            edit(edits, who, file(stamp=(stamp, 1)))
        else:
            edits.read(who, file(stamp=(stamp, 1)))
    for mine, theirs, who in (("my", "their", ME), ("their", "my", AGENT)):
        last_look = max(order.index(f"{mine} read"), order.index(f"{mine} edit"))
        stale = order.index(f"{theirs} edit") > last_look
        assert kind(edits, who, file(stamp=(stamp, 1))) == ("changed" if stale else None)


def test_ones_own_edit_counts_as_a_read() -> None:
    edits, _, _ = make()
    edit(edits, ME, file(stamp=(2, 2)))
    assert kind(edits, ME, file(stamp=(2, 2))) is None
    assert kind(edits, ME, file(stamp=(LATER, 2))) == "disk"


def test_files_do_not_mix() -> None:
    edits, _, _ = make()
    edits.read(ME, file("/f"))
    edits.begin(AGENT, file("/g"), "Edit", "1")
    edit(edits, STRANGER, file("/h"))
    assert kind(edits, ME, file("/f")) is None
    assert [lease.file.path for lease in edits.leases("/g")] == ["/g"]
    assert edits.leases("/f") == []
    assert edits.last_change("/f") is None


# --- leases ---


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("ending", ["done", "failed", "ended", "session", "timed out"])
def test_a_lease_holds_until_its_end(other: Actor, ending: str) -> None:
    edits, clock, feed = make()
    edits.begin(other, file(), "Write", "call")
    found = edits.conflict(ME, file(), "Edit")
    assert found is not None
    assert (found.kind, found.other, found.tool, found.at) == ("editing", other, "Write", clock.now)
    assert kind(edits, other, file()) is None
    if ending in ("done", "failed"):
        edits.finish(other, file(), "Write", "call", failed=ending == "failed")
    elif ending == "ended":
        edits.release_of(other, "ended")
    elif ending == "session":
        edits.release_session(other.session_id)
    else:
        clock.now += LEASE_S - 1
        assert edits.expire() == pytest.approx(1)
        assert kind(edits, ME, file()) == "editing"
        clock.now += 1
    assert kind(edits, ME, file()) is None
    assert edits.leases() == []
    assert edits.expire() is None
    reason = "ended" if ending == "session" else ending
    told = [(event.kind, event.session_id) for event in feed.since(0)]
    assert told == [("lease.taken", other.session_id), ("lease.released", other.session_id)]
    assert json.loads(list(feed.since(0))[-1].data)["reason"] == reason


@pytest.mark.parametrize("jump_s", [-86_400, 86_400])
def test_a_lease_ends_after_its_time_whoever_sets_the_clock(jump_s: float) -> None:
    clock, timer = Clock(), Clock()
    edits = Edits(clock, Feed(clock), timer)
    edits.begin(AGENT, file(), "Write", "call")
    clock.now += jump_s
    timer.now += LEASE_S - 1
    assert kind(edits, ME, file()) == "editing"
    timer.now += 1
    assert kind(edits, ME, file()) is None


def test_only_an_edit_that_was_made_is_a_change() -> None:
    edits, _, _ = make()
    edits.read(ME, file())
    edits.begin(AGENT, file(), "Edit", "call")
    edits.finish(AGENT, file(), "Edit", "call", failed=True)
    assert edits.last_change("/f") is None
    assert kind(edits, ME, file()) is None


def test_an_edit_whose_beginning_nobody_saw_counts() -> None:
    edits, _, feed = make()
    edits.read(ME, file())
    edits.finish(AGENT, file(stamp=(2, 2)), "Edit", "call", failed=False)
    assert kind(edits, ME, file(stamp=(2, 2))) == "changed"
    assert list(feed.since(0)) == []


def test_an_edit_that_ends_after_its_lease_counts() -> None:
    edits, clock, _ = make()
    edits.read(ME, file())
    edits.begin(AGENT, file(), "Edit", "call")
    clock.now += LEASE_S
    assert edits.leases() == []
    edits.finish(AGENT, file(stamp=(2, 2)), "Edit", "call", failed=False)
    assert kind(edits, ME, file(stamp=(2, 2))) == "changed"


def test_the_same_call_told_twice_is_one_lease() -> None:
    edits, _, feed = make()
    edits.begin(AGENT, file(), "Edit", "call")
    edits.begin(AGENT, file(), "Edit", "call")
    assert len(edits.leases()) == 1
    assert [event.kind for event in feed.since(0)] == ["lease.taken"]


def test_ids_of_calls_are_their_conversations_own() -> None:
    edits, _, _ = make()
    for actor in (ME, AGENT, TWIN, STRANGER):
        edits.begin(actor, file(), "Edit", "call")
    edits.finish(AGENT, file(), "Edit", "call", failed=False)
    assert [lease.actor for lease in edits.leases()] == [ME, TWIN, STRANGER]


def test_a_conversation_that_goes_on_keeps_only_the_call_that_is_named() -> None:
    edits, _, _ = make()
    for call in ("1", "2"):
        edits.begin(AGENT, file(), "Edit", call)
    edits.begin(TWIN, file(), "Edit", "1")
    edits.release_of(AGENT, "overtaken", keep="2")
    assert [lease.actor for lease in edits.leases()] == [AGENT, TWIN]


def test_of_many_who_edit_the_latest_is_named() -> None:
    edits, _, _ = make()
    for actor in (ME, TWIN, STRANGER, AGENT):
        edits.begin(actor, file(), "Edit", "call")
    for actor, latest in ((ME, AGENT), (AGENT, STRANGER)):
        found = edits.conflict(actor, file(), "Edit")
        assert found is not None
        assert found.other == latest


def test_an_end_of_a_session_ends_its_agents_leases_and_no_others() -> None:
    edits, _, _ = make()
    for actor in (ME, AGENT, STRANGER):
        edits.begin(actor, file(), "Edit", "call")
    edits.release_session("s")
    assert [lease.actor for lease in edits.leases()] == [STRANGER]


def test_a_session_that_is_resumed_still_knows_what_it_read() -> None:
    edits, _, _ = make()
    edits.read(ME, file())
    edits.release_session("s")
    edit(edits, STRANGER, file(stamp=(2, 2)))
    assert kind(edits, ME, file(stamp=(2, 2))) == "changed"


def test_a_lease_and_a_change_are_told_as_json() -> None:
    edits, clock, _ = make()
    edits.begin(ME, file(), "Edit", "1")
    edits.begin(AGENT, file(), "Write", "2")
    told = {"path": "/f", "session_id": "s", "since": clock.now}
    assert [lease.document() for lease in edits.leases()] == [
        {**told, "agent_id": None, "agent": None, "tool": "Edit"},
        {**told, "agent_id": "a", "agent": "debugger", "tool": "Write"},
    ]
    edits.finish(AGENT, file(), "Write", "2", failed=False)
    change = edits.last_change("/f")
    assert change is not None
    assert change.document() == {
        "session_id": "s",
        "agent_id": "a",
        "agent": "debugger",
        "tool": "Write",
        "at": clock.now,
    }


# --- the disk ---


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ((1, 1), (1, 1), None),
        ((1, 1), (2, 1), "disk"),
        ((1, 1), (1, 2), "disk"),
        ((1, 1), ABSENT, None),
        (ABSENT, (1, 1), "disk"),
        (None, (1, 1), None),
        ((1, 1), None, None),
    ],
)
def test_a_file_that_changed_on_disk(then: Stamp, now: Stamp, expected: str | None) -> None:
    edits, _, _ = make()
    edits.read(ME, file(stamp=then))
    assert kind(edits, ME, file(stamp=now)) == expected


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [(-60, "disk"), (-1, "disk"), (0, None), (1, None), (SETTLES_S, None), (SETTLES_S + 1, "disk")],
)
def test_a_formatter_may_follow_ones_own_edit(after_s: float, expected: str | None) -> None:
    edits, clock, _ = make()

    def at(seconds: float) -> File:
        return file(stamp=(int((clock.now + seconds) * 1e9), 7))

    edit(edits, ME, at(0))
    formatted = File("/f", "/f", (int((clock.now + after_s) * 1e9), 8))
    assert kind(edits, ME, formatted) == expected
    edits.read(ME, at(0))
    assert kind(edits, ME, at(after_s)) == (None if after_s == 0 else "disk")


def test_what_another_edited_is_told_before_what_the_disk_tells() -> None:
    edits, _, _ = make()
    edits.read(ME, file(stamp=(1, 1)))
    edit(edits, AGENT, file(stamp=(2, 2)))
    assert kind(edits, ME, file(stamp=(3, 3))) == "changed"
    edits.read(ME, file(stamp=(3, 3)))
    assert kind(edits, ME, file(stamp=(4, 4))) == "disk"


def test_a_file_that_is_gone_can_be_written_anew() -> None:
    edits, _, _ = make()
    edits.read(ME, file())
    edit(edits, AGENT, file(stamp=(2, 2)))
    assert kind(edits, ME, file(stamp=ABSENT), "Write") is None


# --- files that were never read ---


@pytest.mark.parametrize(
    ("tool", "expected"),
    [("Write", "changed"), ("Edit", None), ("MultiEdit", None), ("NotebookEdit", None)],
)
def test_only_writing_over_what_another_wrote_shows_that_it_was_never_read(
    tool: str, expected: str | None
) -> None:
    edits, clock, _ = make()
    edit(edits, AGENT, file(), "Write")
    found = edits.conflict(ME, file(), tool)
    assert (found and found.kind) == expected
    if found:
        assert found.unread
    clock.now += UNREAD_S
    assert kind(edits, ME, file(), tool) is None


# --- bounds ---


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_READS", (3, 5))
    monkeypatch.setattr(module, "MAX_CHANGES", (3, 5))
    monkeypatch.setattr(module, "MAX_LEASES", (3, 5))
    monkeypatch.setattr(module, "MAX_BLIND_SESSIONS", 2)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("tool", ["Edit", "Write"])
def test_a_forgotten_read_is_no_conflict(tool: str) -> None:
    edits, _, _ = make()
    edit(edits, AGENT, file("/0"))
    for number in range(4):
        edits.read(ME, file(f"/{number}"))
    assert kind(edits, ME, file("/0"), tool) is None
    assert kind(edits, ME, file("/3", (9, 9)), tool) == "disk"
    edit(edits, AGENT, file("/0"))  # after all that is forgotten
    assert kind(edits, ME, file("/0"), tool) == ("changed" if tool == "Write" else None)


@pytest.mark.usefixtures("small")
def test_a_forgotten_session_is_no_conflict_either() -> None:
    edits, _, _ = make()
    edit(edits, STRANGER, file())
    for number in range(20):
        session = Actor(str(number))
        edits.read(session, file())
    for unsure in (Actor("0"), Actor("none of these")):  # so many are forgotten that it may be one
        assert kind(edits, unsure, file(stamp=(1, 1)), "Write") is None
    edit(edits, STRANGER, file())
    assert kind(edits, Actor("0"), file(stamp=(1, 1)), "Write") == "changed"


@pytest.mark.usefixtures("small")
def test_everything_is_bounded() -> None:
    edits, _, feed = make()
    for session, number in product(range(4), range(10)):
        actor, target = Actor(str(session)), file(f"/{session}/{number}")
        edits.begin(actor, target, "Edit", str(number))
        edits.finish(actor, target, "Edit", "", failed=False)
    assert len(edits.leases()) == 5
    taken = [event for event in feed.since(0) if event.kind == "lease.taken"]
    released = [event for event in feed.since(0) if event.kind == "lease.released"]
    assert len(taken) - len(released) == 5
    assert edits.last_change("/3/9")
    assert edits.last_change("/3/6") is None
    assert edits.last_change("/0/9") is None
