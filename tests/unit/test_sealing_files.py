"""Private files among hostile neighbours: what is read, and what is written."""

from __future__ import annotations

import os
import socket
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cco.errors import FolderUnusable, SealedFileMissing, SealedFileTruncated, SealedFileUnsafe
from cco.sealing import private_files
from cco.sealing.private_files import MAX_BYTES, append_private, read_private, write_private

ONLY_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX owners, modes and links")
pytestmark = ONLY_POSIX
needs_root = pytest.mark.skipif(
    sys.platform != "win32" and os.geteuid() != 0, reason="only root can give files away"
)
SOMEBODY_ELSE = 65534
UMASKS = pytest.mark.parametrize("umask", [0o000, 0o077, 0o777], ids=oct)


@contextmanager
def umask_set(umask: int) -> Iterator[None]:
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def give_away(path: Path) -> None:
    os.chown(path, SOMEBODY_ELSE, SOMEBODY_ELSE, follow_symlinks=False)


def private(path: Path, data: bytes = b"data") -> Path:
    """Lay a file of the owner's alone, as read_private wants it."""
    if sys.platform == "win32":
        write_private(path, data)
    else:
        path.write_bytes(data)
        path.chmod(0o600)
    return path


def open_descriptors() -> int:
    return len(os.listdir("/dev/fd"))


# Reading


def test_read(tmp_path: Path) -> None:
    assert read_private(private(tmp_path / "f")) == b"data"
    assert read_private(private(tmp_path / "empty", b"")) == b""


def test_read_missing(tmp_path: Path) -> None:
    with pytest.raises(SealedFileMissing):
        read_private(tmp_path / "f")
    with pytest.raises(SealedFileMissing):
        read_private(tmp_path / "no folder" / "f")


def make_symlink(path: Path) -> None:
    path.symlink_to(private(path.with_name("target")))


def make_dangling_symlink(path: Path) -> None:
    path.symlink_to(path.with_name("nothing"))


def make_symlink_loop(path: Path) -> None:
    path.symlink_to(path)


def make_hard_link(path: Path) -> None:
    os.link(private(path.with_name("target")), path)


def make_fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def make_socket(path: Path) -> None:
    with chdir(path.parent), socket.socket(socket.AF_UNIX) as one:  # its address must be short
        one.bind(path.name)
    path.chmod(0o600)


def make_folder(path: Path) -> None:
    path.mkdir(0o700)


def make_group_readable(path: Path) -> None:
    private(path).chmod(0o640)


def make_executable_for_others(path: Path) -> None:
    private(path).chmod(0o601)


UNSAFE = [
    make_symlink,
    make_dangling_symlink,
    make_symlink_loop,
    make_hard_link,
    make_fifo,
    make_socket,
    make_folder,
    make_group_readable,
    make_executable_for_others,
]


@pytest.mark.timeout(10)  # a FIFO must not block
@pytest.mark.parametrize("make", UNSAFE)
def test_read_unsafe(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "f")
    before = open_descriptors()
    with pytest.raises(SealedFileUnsafe):
        read_private(tmp_path / "f")
    assert open_descriptors() == before


@needs_root
@pytest.mark.parametrize("bits", [0o600, 0o644])
def test_read_what_belongs_to_another(bits: int, tmp_path: Path) -> None:
    path = private(tmp_path / "f")
    path.chmod(bits)
    give_away(path)
    with pytest.raises(SealedFileUnsafe, match="belongs to another"):
        read_private(path)


def test_read_what_belongs_to_another_as_far_as_we_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = private(tmp_path / "f")
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(SealedFileUnsafe, match="belongs to another"):
        read_private(path)


def test_read_up_to_the_limit(tmp_path: Path) -> None:
    path = private(tmp_path / "f", b"1234")
    assert read_private(path, limit_bytes=4) == b"1234"
    with pytest.raises(SealedFileUnsafe, match="limit"):
        read_private(path, limit_bytes=3)


def test_read_no_more_than_16_mib(tmp_path: Path) -> None:
    path = private(tmp_path / "f", b"")
    os.truncate(path, 16 * 1024 * 1024 + 1)  # sparse
    with pytest.raises(SealedFileUnsafe, match="limit"):
        read_private(path)


def when_opened(
    monkeypatch: pytest.MonkeyPatch, path: Path, act: Callable[[], object], times: int = 1
) -> None:
    """Do something right after a path was opened, as another process might."""
    left = times
    real = os.open

    def opened(name: Any, *arguments: Any, **more: Any) -> int:
        nonlocal left
        fd = real(name, *arguments, **more)
        if name == path and left > 0:
            left -= 1
            act()
        return fd

    monkeypatch.setattr(os, "open", opened)


def test_read_replaced_after_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, new = private(tmp_path / "f", b"old"), private(tmp_path / "new", b"the new one")
    when_opened(monkeypatch, path, lambda: os.replace(new, path))
    assert read_private(path) == b"the new one"


def test_read_removed_after_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = private(tmp_path / "f")
    when_opened(monkeypatch, path, path.unlink)
    with pytest.raises(SealedFileMissing):
        read_private(path)


def test_read_replaced_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = private(tmp_path / "f")
    replace = lambda: os.replace(private(tmp_path / "new"), path)  # noqa: E731
    when_opened(monkeypatch, path, replace, times=1000)
    with pytest.raises(SealedFileUnsafe, match="again and again"):
        read_private(path)


def test_read_replaced_by_something_unsafe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = private(tmp_path / "f")

    def replace() -> None:
        path.unlink()
        make_symlink(path)

    when_opened(monkeypatch, path, replace)
    with pytest.raises(SealedFileUnsafe, match="symbolic link"):
        read_private(path)


@pytest.mark.parametrize("size", [0, 3, 5, 5000])
def test_read_what_changes_its_size(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = private(tmp_path / "f", b"1234")
    real = os.fstat

    def then_truncated(fd: int) -> os.stat_result:
        status = real(fd)
        if status.st_ino == path.stat().st_ino and status.st_size == 4:
            os.truncate(path, size)
        return status

    monkeypatch.setattr(os, "fstat", then_truncated)
    with pytest.raises(SealedFileTruncated):
        read_private(path)


# Appending


def test_append(tmp_path: Path) -> None:
    path = private(tmp_path / "f", b"old")
    append_private(path, b" and new", size_bytes=3)
    assert read_private(path) == b"old and new"


@pytest.mark.parametrize("size_bytes", [2, 4])
def test_append_only_where_it_was_left(tmp_path: Path, size_bytes: int) -> None:
    path = private(tmp_path / "f", b"old")
    with pytest.raises(SealedFileTruncated):
        append_private(path, b"new", size_bytes=size_bytes)
    assert read_private(path) == b"old"


def test_append_no_further_than_can_be_read(tmp_path: Path) -> None:
    path = private(tmp_path / "f", b"")
    os.truncate(path, MAX_BYTES - 1)
    with pytest.raises(SealedFileUnsafe, match="limit"):
        append_private(path, b"12", size_bytes=MAX_BYTES - 1)
    append_private(path, b"1", size_bytes=MAX_BYTES - 1)
    assert path.stat().st_size == MAX_BYTES


def test_append_to_what_was_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = private(tmp_path / "f")
    with pytest.raises(SealedFileMissing):
        append_private(tmp_path / "none", b"new", size_bytes=0)
    when_opened(monkeypatch, path, path.unlink)
    with pytest.raises(SealedFileMissing):
        append_private(path, b"new", size_bytes=path.stat().st_size)


# Writing


@UMASKS
def test_write(umask: int, tmp_path: Path) -> None:
    path = tmp_path / "f"
    for data in (b"one", b"", b"three" * 50_000):
        with umask_set(umask):
            write_private(path, data)
        assert read_private(path) == data
        assert mode(path) == 0o600
    assert os.listdir(tmp_path) == ["f"]


def test_write_replaces_links_and_not_their_targets(tmp_path: Path) -> None:
    target = private(tmp_path / "target", b"untouched")
    (tmp_path / "symbolic").symlink_to(target)
    os.link(target, tmp_path / "hard")
    for name in ("symbolic", "hard"):
        write_private(tmp_path / name, b"new")
        assert read_private(tmp_path / name) == b"new"
    assert target.read_bytes() == b"untouched"


def test_write_replaces_a_readable_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    make_group_readable(path)
    write_private(path, b"new")
    assert (read_private(path), mode(path)) == (b"new", 0o600)


@pytest.mark.parametrize("function", ["fchmod", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_write_that_fails_leaves_no_draft(
    function: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = private(tmp_path / "f", b"old")

    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(FolderUnusable if isinstance(error, OSError) else type(error)):
        write_private(path, b"new")
    assert os.listdir(tmp_path) == ["f"]
    assert path.read_bytes() == b"old"


def test_write_over_a_folder(tmp_path: Path) -> None:
    make_folder(tmp_path / "f")
    with pytest.raises(FolderUnusable):
        write_private(tmp_path / "f", b"new")
    assert os.listdir(tmp_path) == ["f"]


def test_write_into_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FolderUnusable):
        write_private(tmp_path / "no folder" / "f", b"new")


def test_write_does_not_follow_a_draft_laid_out_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "urandom", bytes)
    target = private(tmp_path / "target", b"untouched")
    trap = private_files.draft_path(tmp_path / "f")
    trap.symlink_to(target)
    with pytest.raises(FolderUnusable):
        write_private(tmp_path / "f", b"new")
    assert target.read_bytes() == b"untouched"
    assert trap.is_symlink()  # not ours to remove


def test_readers_see_one_version_or_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    versions = [bytes([number]) * (10_000 + number) for number in range(200)]
    monkeypatch.setattr(os, "fsync", lambda _: None)
    write_private(path, versions[0])

    def write() -> None:
        for data in versions:
            write_private(path, data)

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    try:
        while writer.is_alive() or reads == 0:
            data = read_private(path)
            assert data == versions[data[0]]
            reads += 1
    finally:
        writer.join()
