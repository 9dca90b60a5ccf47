"""How the launcher keeps its copies: complete, ours, one per version, no leftovers."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from freezing.payload import assemble

from tests.frozen.conftest import MakeSingleFile
from tests.frozen.single_file import TIMEOUT_S, Member, SingleFile, contents, members_with, report

EXIT_LAUNCHER = 125
SLOW_TO_UNPACK = [*members_with(), Member("zeros", bytes(48 * 1024 * 1024))]


def test_later_starts_use_the_same_copy(single_file: SingleFile) -> None:
    report(single_file.run())
    inode = single_file.copy.stat().st_ino
    report(single_file.run())
    assert single_file.copy.stat().st_ino == inode


def test_many_first_runs_at_once(make_single_file: MakeSingleFile) -> None:
    single_file = make_single_file([*members_with(), Member("large", os.urandom(4_000_000))])
    processes = [single_file.start(str(number)) for number in range(20)]
    for number, process in enumerate(processes):
        output, errors = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, errors
        assert output.split(b"\0")[2] == str(number).encode()
    assert [path.name for path in single_file.store.iterdir()] == [single_file.content_id]


def _edit_behind_its_back(copy: Path) -> None:
    data = copy / "_internal" / "data"
    before = data.stat()
    data.write_bytes(b"!" * before.st_size)
    os.utime(data, ns=(before.st_atime_ns, before.st_mtime_ns))


def _truncate(copy: Path) -> None:
    os.truncate(copy / "cco", 3)


def _remove_one(copy: Path) -> None:
    (copy / "_internal" / "data").unlink()


def _add_one(copy: Path) -> None:
    (copy / "_internal" / "sitecustomize.py").write_text("import antigravity")


def _unmark(copy: Path) -> None:
    (copy / ".complete").unlink()


def _corrupt_marker(copy: Path) -> None:
    (copy / ".complete").write_bytes(os.urandom(200))


def _link_marker(copy: Path) -> None:
    (copy / ".complete").rename(copy.parent.parent / "marker")
    (copy / ".complete").symlink_to(copy.parent.parent / "marker")


def _redirect_link(copy: Path) -> None:
    (copy / "_internal" / "link").unlink()
    (copy / "_internal" / "link").symlink_to("/etc/passwd")


def _replace_program(copy: Path) -> None:
    (copy / "cco").unlink()
    (copy / "cco").symlink_to("/bin/false")


def _make_program_writable(copy: Path) -> None:
    (copy / "cco").chmod(0o777)


def _make_copy_writable(copy: Path) -> None:
    copy.chmod(0o777)


def _make_copy_unreadable(copy: Path) -> None:
    (copy / "_internal").chmod(0)
    copy.chmod(0)


def _copy_is_a_link(copy: Path) -> None:
    copy.rename(copy.parent.parent / "moved")
    copy.symlink_to(copy.parent.parent / "moved")


def _copy_is_a_file(copy: Path) -> None:
    shutil.rmtree(copy)
    copy.write_text("a file")


def _copy_is_empty(copy: Path) -> None:
    shutil.rmtree(copy)
    copy.mkdir()


def _copy_was_restored_from_a_backup(copy: Path) -> None:
    shutil.copytree(copy, copy.parent / "backup", symlinks=True)
    shutil.rmtree(copy)
    (copy.parent / "backup").rename(copy)


@pytest.mark.parametrize(
    "damage",
    [
        _edit_behind_its_back,
        _truncate,
        _remove_one,
        _add_one,
        _unmark,
        _corrupt_marker,
        _link_marker,
        _redirect_link,
        _replace_program,
        _make_program_writable,
        _make_copy_writable,
        _make_copy_unreadable,
        _copy_is_a_link,
        _copy_is_a_file,
        _copy_is_empty,
        _copy_was_restored_from_a_backup,
    ],
    ids=lambda damage: damage.__name__[1:],
)
def test_a_damaged_copy_is_replaced(
    single_file: SingleFile, damage: Callable[[Path], None]
) -> None:
    report(single_file.run())
    good = contents(single_file.copy)
    damage(single_file.copy)
    report(single_file.run())
    assert not single_file.copy.is_symlink()
    assert single_file.copy.stat().st_mode & 0o777 == 0o700
    assert contents(single_file.copy) == good
    assert [path.name for path in single_file.store.iterdir()] == [single_file.content_id]
    inode = single_file.copy.stat().st_ino
    report(single_file.run())
    assert single_file.copy.stat().st_ino == inode


def test_many_starts_on_a_damaged_copy(make_single_file: MakeSingleFile) -> None:
    single_file = make_single_file([*members_with(), Member("large", os.urandom(4_000_000))])
    report(single_file.run())
    _truncate(single_file.copy)
    processes = [single_file.start() for _ in range(10)]
    for process in processes:
        _, errors = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 0, errors
    assert [path.name for path in single_file.store.iterdir()] == [single_file.content_id]


def _signal_while_unpacking(single_file: SingleFile, number: signal.Signals) -> int | None:
    """Start, signal as soon as a partial folder shows, and return the exit status.

    None if it was over before: then the store is empty again, for another try.
    """
    process = single_file.start()
    while process.poll() is None and not any(single_file.store.glob(".unpack-*")):
        pass
    process.send_signal(number)
    process.communicate(timeout=TIMEOUT_S)
    if process.returncode == -number:
        return process.returncode
    shutil.rmtree(single_file.store)
    return None


def test_a_killed_unpack_leaves_nothing_for_long(make_single_file: MakeSingleFile) -> None:
    single_file = make_single_file(SLOW_TO_UNPACK)
    outcomes = (_signal_while_unpacking(single_file, signal.SIGKILL) for _ in range(20))
    assert next(filter(None, outcomes)) == -signal.SIGKILL
    if not single_file.copy.exists():  # as nearly always: it was in the middle
        assert any(single_file.store.glob(".unpack-*"))
    report(single_file.run())
    assert [path.name for path in single_file.store.iterdir()] == [single_file.content_id]


def test_an_interrupted_unpack_leaves_nothing(make_single_file: MakeSingleFile) -> None:
    single_file = make_single_file(SLOW_TO_UNPACK)
    outcomes = (_signal_while_unpacking(single_file, signal.SIGTERM) for _ in range(20))
    assert next(filter(None, outcomes)) == -signal.SIGTERM
    assert [path.name for path in single_file.store.iterdir()] == [single_file.content_id]


def run_limited(single_file: SingleFile, limit: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["/bin/sh", "-c", f'{limit} && exec "$0"', single_file.path],
        env=single_file.command_environment(TMPDIR=str(single_file.home)),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.parametrize("blocks", [0, 8])
def test_a_first_run_under_a_limit_on_the_size_of_files_says_so(
    make_single_file: MakeSingleFile, blocks: int
) -> None:
    """It is not ended without a word by the signal that such a limit sends."""
    single_file = make_single_file(SLOW_TO_UNPACK)
    result = run_limited(single_file, f"ulimit -f {blocks}")
    assert result.returncode == EXIT_LAUNCHER
    assert b"File too large" in result.stderr
    assert b"Set XDG_CACHE_HOME" in result.stderr
    assert not single_file.store.exists()
    report(single_file.run())


def test_too_little_memory_to_unpack_is_not_a_damaged_file(binary: Path, tmp_path: Path) -> None:
    """From where the launcher itself starts to where the program inside does."""
    places = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    told = set()
    for mebibytes in (6, 8, 10, 12):
        result = subprocess.run(
            ["/bin/sh", "-c", f'ulimit -v {mebibytes << 10} && exec "$0" version', binary],
            env=places,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert b"damaged" not in result.stderr
        told.add(b"out of memory" in result.stderr)
    assert True in told


@pytest.mark.parametrize("descriptors", [5, 9, 14, 20])
def test_a_first_run_without_descriptors_leaves_nothing(
    single_file: SingleFile, descriptors: int
) -> None:
    """Of what is begun each folder takes one to be removed again."""
    result = run_limited(single_file, f"ulimit -n {descriptors}")
    assert result.returncode == EXIT_LAUNCHER
    assert b"cannot unpack: Too many open files" in result.stderr
    assert list(single_file.home.iterdir()) == []
    report(single_file.run())


def test_only_leftovers_of_the_dead_are_removed(single_file: SingleFile) -> None:
    single_file.store.mkdir(parents=True, mode=0o700)
    dead, living = single_file.store / ".unpack-1-0", single_file.store / ".unpack-2-0"
    for folder in (dead, living):
        (folder / "_internal").mkdir(parents=True)
        (folder / "_internal" / "part").write_text("half a fi")
    (single_file.store / ".aside-1-0").write_text("was in the way")
    (dead / "_internal").chmod(0o500)
    lock = os.open(living, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        report(single_file.run())
    finally:
        os.close(lock)
    assert {path.name for path in single_file.store.iterdir()} == {
        single_file.content_id,
        living.name,
    }
    assert (living / "_internal" / "part").exists()


def test_other_files_in_the_store_are_left_alone(single_file: SingleFile) -> None:
    single_file.store.mkdir(parents=True, mode=0o755)
    (single_file.store / "notes").write_text("mine")
    report(single_file.run())
    report(single_file.run())
    assert (single_file.store / "notes").read_text() == "mine"


def _damage_payload(whole: bytes) -> bytes:
    middle = len(whole) - 200
    return whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole[:-1],
        lambda whole: whole[:-500],
        lambda whole: whole + b"\0",
        _damage_payload,
    ],
    ids=["one_byte_short", "cut_off", "one_byte_more", "changed"],
)
def test_a_spoilt_download_says_so(
    single_file: SingleFile, spoil: Callable[[bytes], bytes]
) -> None:
    single_file.path.write_bytes(spoil(single_file.path.read_bytes()))
    result = single_file.run()
    assert (result.returncode, result.stdout) == (EXIT_LAUNCHER, b"")
    assert result.stderr.startswith(b"cco: ")
    assert result.stderr.endswith(b"download it again\n")
    assert result.stderr.count(b"\n") == 1
    assert not single_file.store.exists()


FOLDER = Member("_internal", mode=0o755, kind=tarfile.DIRTYPE)


@pytest.mark.parametrize(
    "members",
    [
        [Member("/tmp/cco-escaped", b"x")],
        [Member("../escaped", b"x")],
        [FOLDER, Member("_internal/../../escaped", b"x")],
        [Member("./cco", b"x")],
        [FOLDER, Member("_internal//cco", b"x")],
        [Member("link", kind=tarfile.SYMTYPE, link="/etc")],
        [Member("link", kind=tarfile.SYMTYPE, link="../escaped")],
        [FOLDER, Member("_internal/link", kind=tarfile.SYMTYPE, link="../../escaped")],
        [FOLDER, Member("_internal/link", kind=tarfile.SYMTYPE, link="x/../../escaped")],
        [Member("link", kind=tarfile.SYMTYPE, link="..")],
        [Member("link", kind=tarfile.SYMTYPE, link="")],
        [Member("cco", b"x"), Member("hard", kind=tarfile.LNKTYPE, link="cco")],
        [Member("pipe", kind=tarfile.FIFOTYPE)],
        [Member("device", kind=tarfile.CHRTYPE)],
    ],
    ids=lambda members: f"{members[-1].name}:{members[-1].link or members[-1].kind.decode()}",
)
def test_an_archive_that_reaches_out_is_refused(
    make_single_file: MakeSingleFile, members: list[Member]
) -> None:
    single_file = make_single_file(members)
    before = set(single_file.home.parent.rglob("*"))
    result = single_file.run()
    assert result.returncode == EXIT_LAUNCHER
    assert b"is damaged (it holds " in result.stderr
    added = set(single_file.home.parent.rglob("*")) - before
    assert added <= {single_file.home / ".cache"}
    assert not Path("/tmp/cco-escaped").exists()


def test_an_allowed_link_upwards_works(make_single_file: MakeSingleFile) -> None:
    link = Member("_internal/up", kind=tarfile.SYMTYPE, link="../cco")
    single_file = make_single_file([*members_with(), link])
    report(single_file.run())
    assert (single_file.copy / "_internal" / "up").samefile(single_file.copy / "cco")


def test_a_malformed_archive_is_refused(make_single_file: MakeSingleFile, launcher: bytes) -> None:
    single_file = make_single_file()
    for archive in (b"", b"x" * 1024, bytes(512), bytes(1024) + b"more"):
        single_file.path.write_bytes(assemble(launcher, archive))
        result = single_file.run()
        assert result.returncode == EXIT_LAUNCHER
        assert b"download it again" in result.stderr
        assert not single_file.store.exists()
