"""Locks: one holder, however many ask; none after its end; and no file left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import cco
from cco.errors import FolderUnusable
from cco.sealing import locks
from cco.sealing.locks import Lock
from cco.sealing.private_files import read_private
from tests.unit.test_sealing_files import (
    ONLY_POSIX,
    UMASKS,
    give_away,
    make_fifo,
    make_folder,
    make_hard_link,
    make_symlink,
    mode,
    needs_root,
    open_descriptors,
    private,
    umask_set,
)

pytestmark = ONLY_POSIX
CHECKOUT = Path(cco.__file__).parents[1]


def start_python(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def ended(*processes: subprocess.Popen[str]) -> Iterator[None]:
    """See that processes end, and well."""
    try:
        yield
        for process in processes:
            process.communicate(timeout=60)
            assert process.returncode == 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


_HOLDER = """
import sys
from pathlib import Path
from cco.sealing.locks import Lock
lock = Lock(Path(sys.argv[1]))
print(lock.acquire(float(sys.argv[2])), flush=True)
sys.stdin.read()
lock.release()
"""


@UMASKS
def test_lock_is_exclusive_and_leaves_nothing(umask: int, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = Lock(path), Lock(path)
    with umask_set(umask):
        assert first.acquire()
    assert mode(path) == 0o600
    assert not second.acquire()
    assert not second.acquire(0.001)
    second.release()  # what it does not hold, it does not remove
    assert path.exists()
    first.release()
    assert not path.exists()
    with second:
        assert second.acquire()
        assert not first.acquire()
    assert os.listdir(tmp_path) == []
    first.release()


def test_lock_between_processes(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = start_python(_HOLDER, str(path), "0")
    with ended(holder):
        assert said(holder) == "True"
        assert not Lock(path).acquire()
    with Lock(path) as lock:
        assert lock.acquire()
    assert os.listdir(tmp_path) == []


def test_lock_of_a_holder_that_died(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = start_python(_HOLDER, str(path), "0")
    try:
        assert said(holder) == "True"
    finally:
        holder.kill()
        holder.communicate()
    assert path.exists()
    with Lock(path) as lock:
        assert lock.acquire()
    assert os.listdir(tmp_path) == []


def test_lock_is_passed_on_to_a_waiting_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with Lock(path) as lock:
        assert lock.acquire()
        waiter = start_python(_HOLDER, str(path), "60")
        with ended(waiter):
            lock.release()
            assert said(waiter) == "True"
            assert not Lock(path).acquire()
    assert os.listdir(tmp_path) == []


def test_lock_on_a_removed_file_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lock"
    holder, waiter = Lock(path), Lock(path)
    assert holder.acquire()
    real, tries = locks._lock, 0

    def once_released(fd: int) -> bool:  # the holder lets go between the waiter's open and lock
        nonlocal tries
        tries += 1
        if tries == 1:
            holder.release()
        return real(fd)

    monkeypatch.setattr(locks, "_lock", once_released)
    assert waiter.acquire(60)
    assert tries == 2
    assert path.exists()
    assert not Lock(path).acquire()
    waiter.release()
    assert os.listdir(tmp_path) == []


def test_lock_removed_by_others_is_not_removed_from_its_next_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second, third = Lock(path), Lock(path), Lock(path)
    assert first.acquire()
    path.unlink()  # by a cleaner of old files, say
    assert second.acquire()
    first.release()
    assert not third.acquire()
    second.release()
    assert os.listdir(tmp_path) == []


_COUNTER = """
import sys
from pathlib import Path
from cco.sealing.locks import Lock
path = Path(sys.argv[1])
for _ in range(20):
    with Lock(path) as lock:
        assert lock.acquire(60)
        number = int(path.with_name("number").read_text())
        path.with_name("number").write_text(str(number + 1))
"""


def test_lock_keeps_a_crowd_apart(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    with ended(*[start_python(_COUNTER, str(tmp_path / "lock")) for _ in range(3)]):
        pass
    assert (tmp_path / "number").read_text() == "60"
    assert os.listdir(tmp_path) == ["number"]


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "make",
    [
        make_symlink,
        make_hard_link,
        make_folder,
        make_fifo,
        pytest.param(lambda path: give_away(private(path)), marks=needs_root, id="of another"),
    ],
)
def test_lock_where_something_else_lies(make: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "lock"
    make(path)
    before = open_descriptors()
    lock = Lock(path)
    with pytest.raises(FolderUnusable):
        lock.acquire()
    lock.write_pid()
    lock.release()
    path.lstat()
    assert open_descriptors() == before
    if (tmp_path / "target").exists():
        assert (tmp_path / "target").read_bytes() == b"data"


def test_lock_in_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FolderUnusable):
        Lock(tmp_path / "nothing" / "lock").acquire()


def test_lock_names_its_holder(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock") as lock:
        assert lock.acquire()
        lock.write_pid()
        assert int(read_private(tmp_path / "lock")) == os.getpid()
