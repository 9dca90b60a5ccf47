"""The temp folder, the private one in its place, and what is removed from them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cco.errors import FolderUnusable
from cco.sealing import names, private_files
from cco.sealing.folder import (
    choose_folder,
    locate_folder,
    own_folder,
    private_folder,
    remove_leftovers,
    remove_private_folder,
    retreat,
    wanted_folder,
)
from cco.sealing.locks import Lock
from cco.sealing.private_files import make_private_folder, remove, write_private
from cco.sealing.replaceable import replaceable_part
from tests.unit.test_sealing_files import (
    ONLY_POSIX,
    UMASKS,
    give_away,
    make_dangling_symlink,
    make_folder,
    mode,
    needs_root,
    private,
    umask_set,
)

pytestmark = ONLY_POSIX


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is used where the temp folder cannot be."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return own_folder()


def settings_in(folder: Path) -> Path:
    write_private(folder / names.SETTINGS, b"settings")
    return folder


def test_folder_is_the_temp_folder(tmp_path: Path) -> None:
    assert locate_folder(tmp_path) is None
    assert choose_folder(tmp_path) == tmp_path
    for name in names.ALL:
        (tmp_path / name).touch()  # ours
    assert choose_folder(tmp_path) == locate_folder(tmp_path) == tmp_path
    assert not private_folder(tmp_path).exists()


@needs_root
@pytest.mark.parametrize("name", names.ALL)
@pytest.mark.parametrize("make", [private, make_folder, make_dangling_symlink])
def test_folder_where_another_holds_a_name(
    name: str, make: Callable[[Path], object], tmp_path: Path
) -> None:
    make(tmp_path / name)
    give_away(tmp_path / name)
    folder = choose_folder(tmp_path)
    assert folder == tmp_path / f"cco-{os.geteuid()}"
    assert mode(folder) == 0o700
    assert locate_folder(tmp_path) is None
    settings_in(folder)
    assert locate_folder(tmp_path) == choose_folder(tmp_path) == folder
    (tmp_path / name).lstat()  # not ours to remove


def test_folder_that_is_none(tmp_path: Path) -> None:
    for temp in (tmp_path / "nothing", private(tmp_path / "f")):
        with pytest.raises(FolderUnusable):
            choose_folder(temp)
        assert locate_folder(temp) is None


def test_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)  # root may do anything
    with pytest.raises(FolderUnusable, match="not writable"):
        choose_folder(tmp_path)


@UMASKS
def test_private_folder_is_closed(umask: int, tmp_path: Path) -> None:
    for _ in range(2):
        with umask_set(umask):
            make_private_folder(tmp_path / "private")
        assert mode(tmp_path / "private") == 0o700


def make_symlink_to_folder(path: Path) -> None:
    settings_in(make_target_folder(path))
    path.symlink_to(path.with_name("target"))


def make_target_folder(path: Path) -> Path:
    target = path.with_name("target")
    target.mkdir(0o700)
    return target


def make_group_writable_folder(path: Path) -> None:
    path.mkdir()
    path.chmod(0o770)
    settings_in(path)


def make_readable_folder(path: Path) -> None:
    path.mkdir()
    path.chmod(0o755)
    settings_in(path)


def make_folder_of_another(path: Path) -> None:
    path.mkdir(0o700)
    settings_in(path)
    give_away(path)


HOSTILE = [
    private,
    make_symlink_to_folder,
    make_dangling_symlink,
    make_group_writable_folder,
    make_readable_folder,
    pytest.param(make_folder_of_another, marks=needs_root),
]


@pytest.mark.parametrize("make", HOSTILE)
def test_private_folder_that_is_hostile(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(private_folder(tmp_path))
    with pytest.raises(FolderUnusable):
        make_private_folder(private_folder(tmp_path))
    assert locate_folder(tmp_path) is None


@needs_root
@pytest.mark.parametrize("make", HOSTILE)
def test_a_way_out_of_a_hostile_folder(
    make: Callable[[Path], object], own: Path, tmp_path: Path
) -> None:
    give_away(private(tmp_path / names.SETTINGS))
    make(private_folder(tmp_path))
    assert locate_folder(tmp_path) is None
    assert choose_folder(tmp_path) == own
    assert mode(own) == 0o700
    settings_in(own)
    assert locate_folder(tmp_path) == own


@needs_root
@pytest.mark.parametrize("make", HOSTILE)
def test_no_way_out_into_another_hostile_folder(
    make: Callable[[Path], object], own: Path, tmp_path: Path
) -> None:
    give_away(private(tmp_path / names.SETTINGS))
    give_away(private(private_folder(tmp_path)))
    own.parent.mkdir(parents=True)
    make(own)
    with pytest.raises(FolderUnusable, match="other accounts can interfere"):
        choose_folder(tmp_path)
    assert locate_folder(tmp_path) is None


def open_to_all(path: Path) -> None:
    path.chmod(0o777)


def open_to_a_group(path: Path) -> None:
    os.chown(path, -1, os.getegid() + 1)
    path.chmod(0o770)


@needs_root
@pytest.mark.parametrize("spoil", [open_to_all, open_to_a_group, give_away])
@pytest.mark.parametrize("part", ["a", "a/b"])
def test_a_folder_in_which_others_can_replace_files_is_not_used(
    spoil: Callable[[Path], object], part: str, own: Path, tmp_path: Path
) -> None:
    temp = tmp_path / "a" / "b"
    temp.mkdir(parents=True)
    settings_in(temp)
    assert locate_folder(temp) == choose_folder(temp) == temp
    spoil(tmp_path / part)
    assert replaceable_part(temp) == tmp_path / part
    assert locate_folder(temp) is None
    assert choose_folder(temp) == own
    (tmp_path / part).chmod(0o1777)
    os.chown(tmp_path / part, os.geteuid(), -1)
    assert locate_folder(temp) == choose_folder(temp) == temp  # with the run that is there
    remove(temp / names.SETTINGS)
    assert choose_folder(temp) == own  # as long as it is there
    own.rmdir()
    settings_in(temp)
    assert locate_folder(temp) == choose_folder(temp) == temp


def test_what_is_wanted_is_told_without_being_made(own: Path, tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    assert wanted_folder(temp) == temp
    open_to_all(temp)
    assert wanted_folder(temp) == own
    assert not own.exists()


def test_of_several_runs_that_counts_which_a_start_would_take_up(tmp_path: Path) -> None:
    settings_in(tmp_path)
    assert wanted_folder(tmp_path) == locate_folder(tmp_path) == tmp_path
    private_one = private_folder(tmp_path)
    make_private_folder(private_one)
    assert wanted_folder(tmp_path) == private_one
    assert locate_folder(tmp_path) == tmp_path
    settings_in(private_one)
    assert locate_folder(tmp_path) == private_one
    lock = Lock(tmp_path / names.DAEMON_LOCK)
    assert lock.acquire(0)
    try:
        assert locate_folder(tmp_path) == tmp_path  # where a daemon lives
    finally:
        lock.release()


@needs_root
def test_a_retreat_is_from_shared_folders_only(own: Path, tmp_path: Path) -> None:
    assert not retreat(tmp_path)
    tmp_path.chmod(0o1777)
    assert retreat(tmp_path)
    assert choose_folder(tmp_path) == private_folder(tmp_path)
    give_away(private_folder(tmp_path))
    assert retreat(tmp_path)
    assert choose_folder(tmp_path) == own
    assert not retreat(own)


def test_private_folder_is_removed_when_empty(own: Path, tmp_path: Path) -> None:
    own.parent.mkdir(parents=True)
    for folder in (private_folder(tmp_path), own):
        make_private_folder(folder)
        assert_removed_when_empty(folder)
    remove_private_folder(tmp_path)
    assert tmp_path.is_dir()


def assert_removed_when_empty(folder: Path) -> None:
    settings_in(folder)
    remove_private_folder(folder)
    assert folder.is_dir()
    remove(folder / names.SETTINGS)
    remove_private_folder(folder)
    assert not folder.exists()
    remove_private_folder(folder)


def leave_everything(folder: Path) -> None:
    for name in (*names.SEALED, names.HISTORY, names.BRIDGE, names.BRIDGE_COPY_PREFIX + "1.json"):
        write_private(folder / name, b"")
    (folder / names.PLUGIN).mkdir()
    write_private(folder / names.PLUGIN / "stub.md", b"")
    private(private_files.draft_path(folder / names.RULES))


def test_leftovers_are_removed(tmp_path: Path) -> None:
    leave_everything(tmp_path)
    private(tmp_path / "somebody's.tmp")
    private(tmp_path / ".cco-of-the-users-own")
    removed = remove_leftovers(tmp_path, keep_live=True)
    assert [path.suffix for path in removed] == [names.DRAFT_SUFFIX]
    assert len(os.listdir(tmp_path)) == 10
    remove_leftovers(tmp_path, keep_live=False, keep_history=True)
    kept = [names.HISTORY, ".cco-of-the-users-own", "somebody's.tmp"]
    assert sorted(os.listdir(tmp_path)) == kept
    remove_leftovers(tmp_path, keep_live=False)
    assert sorted(os.listdir(tmp_path)) == kept[1:]
    assert remove_leftovers(tmp_path, keep_live=False) == []


def test_leftovers_that_are_links_are_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    private(target / "kept")
    for name in (names.PLUGIN, names.RULES):
        (tmp_path / name).symlink_to(target)
    assert len(remove_leftovers(tmp_path, keep_live=False)) == 2
    assert os.listdir(tmp_path) == ["target"]
    assert os.listdir(target) == ["kept"]


@needs_root
def test_leftovers_of_another_are_left(tmp_path: Path) -> None:
    leave_everything(tmp_path)
    for path in tmp_path.iterdir():
        give_away(path)
    before = sorted(os.listdir(tmp_path))
    assert remove_leftovers(tmp_path, keep_live=False) == []
    assert sorted(os.listdir(tmp_path)) == before
