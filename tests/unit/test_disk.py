"""Where paths lead: links, `..`, letters in any case, and file systems that might hang."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from cco.daemon.hooks.disk import MAX_PATH_CHARS, Disk
from cco.ledger.edits import ABSENT, File


def find(path: object, cwd: object = None) -> File:
    found = Disk().file(path, cwd)
    assert found is not None
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a file, a link to it, and a link to a folder elsewhere."""
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    (tmp_path / "far" / "f.txt").write_text("one")
    (tmp_path / "here" / "link").symlink_to(tmp_path / "far" / "deep")
    (tmp_path / "here" / "f.txt").symlink_to("../far/f.txt")
    return tmp_path


@pytest.mark.parametrize(
    "path",
    ["far/f.txt", "far//./f.txt", "here/../far/f.txt", "here/f.txt", "here/link/../f.txt",
     "far/nothing/../f.txt"],
)  # fmt: skip
def test_all_paths_to_a_file_are_one(place: Path, path: str) -> None:
    real = str(place / "far" / "f.txt")
    expected = find(real)
    assert expected.path == os.path.realpath(real)
    assert expected.stamp == (os.stat(real).st_mtime_ns, 3)
    assert find(path, str(place)) == expected
    assert find(str(place) + "/" + path, "/elsewhere") == expected


def test_a_file_need_not_exist(place: Path) -> None:
    for path in ("here/link/new.txt", "here/link/no/such/folder/new.txt", "far/f.txt/new.txt"):
        found = find(path, str(place))
        assert found.path == os.path.realpath(place / path)
        assert found.stamp == ABSENT


def test_links_in_a_circle_harm_nobody(place: Path) -> None:
    (place / "round").symlink_to("round")
    found = Disk().file(str(place / "round"))
    assert found is None or found.stamp is None


def test_only_files_have_a_stamp(place: Path) -> None:
    os.mkfifo(place / "pipe")
    for name in ("far", "pipe"):
        assert find(str(place / name)).stamp is None


@pytest.mark.parametrize(
    ("path", "cwd"),
    [("", "/"), (None, "/"), (5, "/"), (["/f"], "/"), ("f.txt", None), ("f.txt", ""),
     ("f.txt", "somewhere"), ("f.txt", 5), ("/f\0", "/"), ("/" + "x" * MAX_PATH_CHARS, "/"),
     ("x" * 600, "/" + "y" * 600), ("/\ud800", "/")],
)  # fmt: skip
def test_what_is_no_path_is_no_file(path: object, cwd: object) -> None:
    assert Disk().file(path, cwd) is None


def test_a_path_is_shown_on_one_line(place: Path) -> None:
    name = "a\nb\x1b[31m\u202ec"
    (place / name).write_text("")
    shown = find(str(place / name)).path
    assert shown.isprintable()
    assert shown.endswith("a\ufffdb\ufffd[31m\ufffdc")


def test_letters_in_another_case_are_another_file(place: Path) -> None:
    assert find(str(place / "far/f.txt")).key != find(str(place / "far/F.txt")).key
    assert find(str(place / "far/1")).key != find(str(place / "FAR/1")).key


def test_unless_the_file_system_takes_them_for_the_same(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_stat = os.stat

    def stat(path: str) -> os.stat_result:
        """As on a file system that ignores the case below this place."""
        inside = os.path.relpath(path, place)
        return real_stat(path if inside.startswith("..") else place / inside.lower())

    monkeypatch.setattr(os, "stat", stat)
    (place / "far" / "ß").write_text("")
    for one, other in (
        ("far/f.txt", "Far/F.TXT"),
        ("far/ß", "Far/ß"),
        ("far/new", "FAR/NEW"),
        ("far/1", "far/1"),
    ):
        assert find(str(place / one)).key == find(str(place / other)).key
    assert find(str(place / "far/f.txt")).key != find(str(place / "far/g.txt")).key


# --- file systems that might hang ---


def never(*arguments: object) -> None:
    raise AssertionError(f"looked at {arguments}")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "autofs"])
def test_network_file_systems_are_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, place: Path, kind: str
) -> None:
    disk = Disk(lambda: [("/", "ext4"), (str(place), kind)])
    for name in ("stat", "lstat", "readlink"):
        monkeypatch.setattr(os, name, never)
    assert disk.file(str(place / "nul\0")) is None
    found = disk.file("here/../far/f.txt", str(place))
    assert found == File(str(place / "far/f.txt"), str(place / "far/f.txt"), None)


def test_only_what_is_on_them(place: Path) -> None:
    mounts = [("/", "nfs"), (str(place), "ext4"), (str(place / "far"), "nfs"), ("/other", "cifs")]
    disk = Disk(lambda: mounts)
    for path, looked in (("far/f.txt", False), ("here", True), ("farther", True), ("..", False)):
        found = disk.file(str(place / path / "x"))
        assert found is not None
        assert (found.stamp is not None) == looked


def test_a_link_to_one_is_not_looked_at_behind_it(place: Path) -> None:
    disk = Disk(lambda: [("/", "ext4"), (str(place / "far"), "nfs")])
    found = disk.file(str(place / "here/f.txt"))
    assert found == File(str(place / "far/f.txt"), str(place / "far/f.txt"), None)


def test_mounts_are_read_again_after_a_while(place: Path) -> None:
    reads: list[int] = []
    now = [0.0]

    def mounts() -> Iterable[tuple[str, str]]:
        reads.append(1)
        return [("/", "ext4" if len(reads) == 1 else "nfs")]

    disk = Disk(mounts, clock=lambda: now[0])
    stamps = []
    for at in (0.0, 10.0, 31.0, 40.0):
        now[0] = at
        found = disk.file(str(place / "far/f.txt"))
        assert found is not None
        stamps.append(found.stamp is not None)
    assert stamps == [True, True, False, False]
    assert len(reads) == 2
