"""Paths from outside: folders, files and `.git` files of any name and contents."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cco.claude.find import find_claude
from cco.daemon.hooks.disk import MAX_PATH_CHARS, Disk
from cco.errors import ClaudeNotExecutable, ClaudeNotFound
from cco.ledger.projects import project_of

PARTS = st.sampled_from(
    [".", "..", "~", "", "/", "tmp", ".git", "a", "\0", "\ud83d", "\udcff", "x" * 300]
)
PATHS = st.text(max_size=20) | st.lists(PARTS, max_size=6).map("/".join)


@given(PATHS)
@example("/" + "x/" * 600)
@example("/proc/self/root/proc/self/root")
@example("//")
def test_a_project_is_a_whole_path_or_none_and_its_own(folder: str) -> None:
    project = project_of(folder)
    assert not project or os.path.isabs(project)
    if project and len(project) <= 1_000:
        assert project_of(project) == project


def test_any_git_file_is_a_mark_and_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    main = tmp_path / "main" / ".git" / "worktrees" / "w"
    main.mkdir(parents=True)

    @given(
        st.binary(max_size=60)
        | PATHS.map(lambda path: f"gitdir: {path}\n".encode(errors="replace"))
        | st.just(f"gitdir: {main}".encode()),
        st.binary(max_size=40) | st.just(str(folder / ".git").encode()),
    )
    def holds(mark: bytes, back: bytes) -> None:
        (folder / ".git").write_bytes(mark)
        (main / "gitdir").write_bytes(back)
        project = project_of(str(folder))
        linked = mark == f"gitdir: {main}".encode() and back == str(folder / ".git").encode()
        assert project == str(tmp_path / "main" if linked else folder)

    holds()


JSON = st.none() | st.integers() | st.lists(st.text(max_size=3), max_size=2) | PATHS


@given(JSON, JSON)
@example("a" * 2_000, "/")
@example("a", "/" + "b" * 999)
def test_a_file_is_shown_whole_and_printable_or_is_none(path: object, cwd: object) -> None:
    found = Disk(mounts=lambda: ()).file(path, cwd)
    if found is not None:
        assert isinstance(path, str)
        assert os.path.isabs(found.key)
        assert found.path.isprintable()
        again = Disk(mounts=lambda: ()).file(found.key)
        assert again is None or again.key == found.key
        assert len(os.path.join(str(cwd), path)) <= MAX_PATH_CHARS or not isinstance(cwd, str)


@given(st.lists(PATHS.filter(lambda path: "\0" not in path), max_size=4),
       st.none() | PATHS.filter(lambda path: "\0" not in path and path))  # fmt: skip
def test_any_path_is_searched_for_claude_code(entries: list[str], named: str | None) -> None:
    try:
        found = find_claude(named, {"PATH": os.pathsep.join(entries)})
    except (ClaudeNotFound, ClaudeNotExecutable) as error:
        assert error.advice
        return
    assert os.access(found, os.X_OK)


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX only")
def test_a_name_that_is_not_utf8_is_a_file_like_any_other(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.py")
    (tmp_path / name).touch()
    found = Disk(mounts=lambda: ()).file(name, str(tmp_path))
    assert found is not None
    assert found.stamp is not None
    assert found.stamp[1] == 0
