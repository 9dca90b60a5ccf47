"""Notes: bounded, found again, kept; which project a folder is of; and whose a call is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.daemon.mcp.callers import MAX_CALLS, Callers
from cco.errors import NotFound, UsageInvalid
from cco.ledger import notes as module
from cco.ledger.feed import Feed
from cco.ledger.ledger import Ledger
from cco.ledger.notes import MAX_AUTHOR_CHARS, MAX_TEXT_CHARS, Note, Notes
from cco.ledger.projects import project_of


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def leave(notes: Notes, *texts: str, project: str = "/p", **more: Any) -> list[Note]:
    return [notes.add(text, project=project, author="debugger", **more) for text in texts]


def texts(found: list[Note]) -> list[str]:
    return [note.text for note in found]


def test_a_note_is_kept_as_it_was_left() -> None:
    notes = Notes(Clock())
    (note,) = leave(notes, "  The cache key lacks the tenant.\n", session_id="s", path="src/a.py")
    assert note.document() == {
        "note_id": "1",
        "project": "/p",
        "text": "The cache key lacks the tenant.",
        "author": "debugger",
        "session_id": "s",
        "path": "src/a.py",
        "created_at": 1_000.0,
    }
    assert notes.latest("/p") == notes.latest() == [note]
    assert notes.latest("/q") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cache", ["Caching is off in tests.", "The cache key lacks the tenant."]),
        ("CACHED tenants", ["The cache key lacks the tenant.", "Caching is off in tests."]),
        ("pool.py", ["Port 5433"]),
        ("kubernetes", []),
        ("the of", []),
        ("データ", ["データベースは読み取り専用"]),
        ("", []),
    ],
)
def test_notes_are_found_by_their_words(query: str, expected: list[str]) -> None:
    notes = Notes()
    leave(notes, "The cache key lacks the tenant.", "Caching is off in tests.")
    leave(notes, "Port 5433", path="db/pool.py")
    leave(notes, "データベースは読み取り専用")
    leave(notes, "cache pool.py データ", project="/elsewhere")
    if query:
        assert sorted(texts(notes.search(query, "/p"))) == sorted(expected)
        assert texts(notes.search(query, "/p"))[:1] == expected[:1]
    assert len(notes.search(query)) >= len(notes.search(query, "/p"))


def test_the_rarer_word_weighs_more_and_of_equals_the_latest_is_first() -> None:
    notes = Notes()
    leave(notes, *["the server starts"] * 5, "the server deadlocks")
    assert texts(notes.search("server deadlock"))[0] == "the server deadlocks"
    numbers = [note.number for note in notes.search("starts")]
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"text": " \n\t"},
        {"text": "a\0b"},
        {"text": "x" * (MAX_TEXT_CHARS + 1)},
        {"author": ""},
        {"author": "x" * (MAX_AUTHOR_CHARS + 1)},
        {"project": ""},
        {"path": "x" * 1_001},
    ],
)
def test_a_bad_note_is_refused_and_nothing_is_lost(wrong: dict[str, str]) -> None:
    notes = Notes()
    leave(notes, "kept")
    with pytest.raises(UsageInvalid) as caught:
        notes.add(**{"text": "x", "project": "/p", "author": "me", **wrong})
    assert next(iter(wrong)) in str(caught.value)
    assert texts(notes.latest()) == ["kept"]


def test_the_oldest_of_a_project_then_of_all_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PER_PROJECT", 3)
    monkeypatch.setattr(module, "MAX_NOTES", 5)
    notes = Notes()
    leave(notes, *"abcd", project="/p")
    assert texts(notes.latest("/p")) == ["d", "c", "b"]
    leave(notes, *"ef", project="/q")
    leave(notes, "g", project="/r")
    assert texts(notes.latest()) == ["g", "f", "e", "d", "c"]
    assert len(notes) == 5
    assert notes.search("b") == []


def test_adding_and_removing_are_told_without_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PER_PROJECT", 1)
    feed = Feed(Clock())
    notes = Notes(Clock(), feed)
    leave(notes, "UNSPEAKABLE", "UNSPEAKABLE too", session_id="s")
    notes.remove("2")
    events = [json.loads(event.data) for event in feed.since(0)]
    assert [(event["kind"], event["note_id"]) for event in events] == [
        ("note.added", "1"),
        ("note.added", "2"),
        ("note.removed", "1"),
        ("note.removed", "2"),
    ]
    assert {(event["author"], event["session_id"]) for event in events} == {("debugger", "s")}
    assert "UNSPEAKABLE" not in json.dumps(events)


@pytest.mark.parametrize("note_id", ["2", "0", "-1", "", "x", "1.0", "\uff11", "9" * 5_000])
def test_what_is_not_there_cannot_be_removed(note_id: str) -> None:
    notes = Notes()
    leave(notes, "kept")
    with pytest.raises(NotFound):
        notes.remove(note_id)
    assert len(notes) == 1


def test_a_document_brings_everything_back() -> None:
    notes = Notes(Clock())
    leave(notes, "one", "two", "three", path="größe.py", session_id="s")
    notes.remove("3")
    document = json.loads(json.dumps(notes.to_document()))
    feed = Feed()
    again = Notes.from_document(document, feed=feed)
    assert again.latest() == notes.latest()
    assert texts(again.search("two")) == ["two"]
    assert feed.last_number == 0
    (later,) = leave(again, "four")
    assert later.note_id == "4", "the number of a removed note is not given again"
    assert feed.last_number == 1


def test_a_document_beyond_the_bounds_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = Notes()
    leave(notes, *"abc", project="/p")
    leave(notes, *"def", project="/q")
    monkeypatch.setattr(module, "MAX_PER_PROJECT", 2)
    monkeypatch.setattr(module, "MAX_NOTES", 3)
    again = Notes.from_document(notes.to_document())
    assert texts(again.latest()) == ["f", "e", "c"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(Note.__dataclass_fields__, VALUES))


@given(st.fixed_dictionaries({"notes": VALUES | st.lists(FIELDS), "last_number": VALUES}))
def test_any_document_leaves_a_store_that_works(document: dict[str, Any]) -> None:
    notes = Notes.from_document(document)
    (note,) = leave(notes, "works")
    assert notes.latest("/p")[0] == note
    assert Notes.from_document(notes.to_document()).latest() == notes.latest()


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_is_kept_or_refused_and_any_query_answered(text: str, query: str) -> None:
    notes = Notes()
    try:
        (note,) = leave(notes, text)
    except UsageInvalid:
        assert not text.strip() or "\0" in text
    else:
        json.dumps(note.document(), ensure_ascii=False).encode()
    notes.search(query)


# --- projects ---


def test_folders_of_one_repository_are_one_project(tmp_path: Path) -> None:
    tmp_path = tmp_path.resolve()
    repository = tmp_path / "repo"
    (repository / ".git").mkdir(parents=True)
    (repository / "a" / "b").mkdir(parents=True)
    plain = tmp_path / "plain" / "deep"
    plain.mkdir(parents=True)
    (tmp_path / "link").symlink_to(repository / "a")
    for inside in (repository, repository / "a" / "b", tmp_path / "link" / "b"):
        assert project_of(str(inside)) == str(repository)
    assert project_of(str(repository / "gone" / "away")) == str(repository)
    assert project_of(str(plain)) == str(plain)
    for none in ("", ".", "a/b", "/a\0b", "/" + "x" * 2_000):
        assert project_of(none) == ""


def linked(tmp_path: Path, named: str) -> tuple[Path, Path]:
    """A repository and a folder whose `.git` file names something of it."""
    repository, tree = tmp_path.resolve() / "repo", tmp_path.resolve() / "tree"
    (repository / ".git" / "worktrees" / "tree").mkdir(parents=True)
    (repository / ".git" / "modules" / "tree").mkdir(parents=True)
    (tree / "sub").mkdir(parents=True)
    (tree / ".git").write_text(f"gitdir: {named.format(repository / '.git')}\n")
    return repository, tree


@pytest.mark.parametrize("named", ["{}/worktrees/tree", "../repo/.git/worktrees/tree"])
@pytest.mark.parametrize("relative", [True, False])
def test_a_linked_work_tree_is_its_repository(tmp_path: Path, named: str, relative: bool) -> None:
    repository, tree = linked(tmp_path, named)
    there = repository / ".git" / "worktrees" / "tree"
    back = os.path.relpath(tree / ".git", there) if relative else str(tree / ".git")
    (there / "gitdir").write_text(back + "\n")
    assert project_of(str(tree / "sub")) == str(repository)


def test_a_folder_that_only_claims_to_be_a_work_tree_stays_its_own(tmp_path: Path) -> None:
    _, tree = linked(tmp_path, "{}/worktrees/tree")
    assert project_of(str(tree / "sub")) == str(tree)


@pytest.mark.parametrize("named", ["{}/modules/tree", "", "nonsense", "/absent/worktrees/x"])
def test_a_submodule_is_its_own_project(tmp_path: Path, named: str) -> None:
    _, tree = linked(tmp_path, named)
    assert project_of(str(tree / "sub")) == str(tree)


def test_a_git_file_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".git").write_bytes(b"\xff\xfe" * 10_000)
    assert project_of(str(tmp_path)) == str(tmp_path.resolve())


# --- callers ---


def announce(callers: Callers, ledger: Ledger, use_id: object, **more: Any) -> None:
    payload = {"session_id": "s" * 20, "tool_name": "mcp__x__note", "tool_use_id": use_id, **more}
    session = ledger.record_hook("PreToolUse", payload)
    assert session is not None
    callers.heard("PreToolUse", session, payload)


def test_a_call_is_the_sessions_wherever_that_went(tmp_path: Path) -> None:
    """A session that changes folders stays in its project; its relative paths move with it."""
    callers, ledger = Callers(), Ledger()
    home, away = str(tmp_path.resolve()), str(tmp_path.resolve().parent)
    ledger.record_hook("SessionStart", {"session_id": "s" * 20, "cwd": home, "source": "startup"})
    announce(callers, ledger, "u", cwd=away)
    found = callers.find("u")
    assert found is not None
    assert (found.project, found.folder, found.author) == (home, away, "session ssssssss")
    resumed = {"session_id": "s" * 20, "cwd": away, "source": "resume"}
    ledger.record_hook("SessionStart", resumed)
    announce(callers, ledger, "u", cwd=away)
    found = callers.find("u")
    assert found is not None
    assert found.project == away


def test_what_is_no_announcement_is_none() -> None:
    callers, ledger = Callers(), Ledger()
    announce(callers, ledger, "bash", tool_name="Bash")
    announce(callers, ledger, 5)
    announce(callers, ledger, "x" * 1_000)
    session = ledger.session("s" * 20)
    callers.heard("PostToolUse", session, {"tool_name": "mcp__x__note", "tool_use_id": "post"})
    for use_id in ("bash", "x" * 1_000, "post", 5, None, ["u"], ""):
        assert callers.find(use_id) is None


def test_announcements_are_bounded() -> None:
    callers, ledger = Callers(), Ledger()
    for number in range(MAX_CALLS + 10):
        announce(callers, ledger, f"u{number}", agent_id="a")
    assert callers.find("u9") is None
    found = callers.find("u10")
    assert found is not None
    assert found.author == "an agent"
