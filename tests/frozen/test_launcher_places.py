"""Where the launcher unpacks: the first folder that is safe and able to hold a program."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.frozen.conftest import MakeSingleFile
from tests.frozen.single_file import TIMEOUT_S, Member, SingleFile, members_with, report
from tests.unit.test_sealing_replaceable import access_list_with

ROOT = os.geteuid() == 0
NOBODY = 65534
EXIT_LAUNCHER = 125


@pytest.fixture
def user(single_file: SingleFile) -> Iterator[SingleFile]:
    """A single file of an ordinary user: not root, whom no permission stops."""
    if not ROOT:
        yield single_file
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Path(folder, "home")
        home.mkdir()
        path = Path(shutil.copy(single_file.path, folder))
        os.chown(home, NOBODY, NOBODY)
        yield SingleFile(path, home)


def run_as_user(user: SingleFile, **extra: str) -> subprocess.CompletedProcess[bytes]:
    account = NOBODY if ROOT else None
    return subprocess.run(
        [user.path],
        env=user.command_environment(**extra),
        user=account,
        group=account,
        extra_groups=[] if ROOT else None,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def give_to_user(path: Path) -> None:
    if ROOT:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def _read_only(cache: Path) -> None:
    cache.mkdir()
    give_to_user(cache)
    cache.chmod(0o500)


def _not_a_folder(cache: Path) -> None:
    cache.write_text("a file")


def _store_is_a_link(cache: Path) -> None:
    elsewhere = cache.parent / "elsewhere"
    for folder in (cache, elsewhere):
        folder.mkdir()
        give_to_user(folder)
    elsewhere.chmod(0o700)
    (cache / "cco").symlink_to(elsewhere)


def _store_is_a_file(cache: Path) -> None:
    cache.mkdir()
    give_to_user(cache)
    (cache / "cco").write_text("a file")


def _store_is_writable_by_others(cache: Path) -> None:
    cache.mkdir()
    (cache / "cco").mkdir()
    for folder in (cache, cache / "cco"):
        give_to_user(folder)
    (cache / "cco").chmod(0o777)


def _cache_is_writable_by_others(cache: Path) -> None:
    cache.mkdir()
    give_to_user(cache)
    cache.chmod(0o777)


def _cache_is_below(cache: Path) -> Path:
    """A folder above the cache, which is reached through a link."""
    above = cache.parent / "above"
    (above / "mine").mkdir(parents=True)
    give_to_user(above / "mine")
    cache.symlink_to(above / "mine")
    return above


def _cache_can_be_replaced(cache: Path) -> None:
    _cache_is_below(cache).chmod(0o777)


def _cache_can_be_replaced_by_its_group(cache: Path) -> None:
    above = _cache_is_below(cache)
    os.chown(above, 0, 12345)
    above.chmod(0o775)


def _cache_can_be_replaced_by_a_listed_account(cache: Path) -> None:
    above = _cache_is_below(cache)
    try:
        os.setxattr(above, "system.posix_acl_access", access_list_with(12345))
    except OSError as error:
        pytest.skip(f"no access lists here: {error}")


def _cache_is_in_a_folder_of_anothers(cache: Path) -> None:
    os.chown(_cache_is_below(cache), 12345, 12345)


def _cache_belongs_to_another(cache: Path) -> None:
    cache.mkdir()
    os.chown(cache, 12345, 12345)
    cache.chmod(0o755)
    (cache / "cco").mkdir()
    give_to_user(cache / "cco")


def _store_belongs_to_another(cache: Path) -> None:
    cache.mkdir()
    give_to_user(cache)
    (cache / "cco").mkdir(mode=0o755)


UNUSABLE = [
    _read_only,
    _not_a_folder,
    _store_is_a_link,
    _store_is_a_file,
    _store_is_writable_by_others,
    _cache_is_writable_by_others,
    _cache_can_be_replaced,
]
if ROOT:  # only root can
    UNUSABLE += [_cache_belongs_to_another, _store_belongs_to_another]
    UNUSABLE += [_cache_can_be_replaced_by_its_group, _cache_is_in_a_folder_of_anothers]
if ROOT and sys.platform == "linux":
    UNUSABLE += [_cache_can_be_replaced_by_a_listed_account]


@pytest.mark.parametrize("prepare", UNUSABLE, ids=lambda prepare: prepare.__name__[1:])
def test_an_unusable_folder_is_passed_over(
    user: SingleFile, prepare: Callable[[Path], None]
) -> None:
    cache = user.path.parent / "cache"
    prepare(cache)
    before = sorted(cache.parent.rglob("*"))
    report(run_as_user(user, XDG_CACHE_HOME=str(cache)))
    assert (user.copy / "cco").is_file()
    added = set(cache.parent.rglob("*")) - set(before)
    assert all(path.is_relative_to(user.home) for path in added)


@pytest.mark.parametrize("prepare", UNUSABLE[1:2], ids=["not_a_folder"])
def test_a_later_start_goes_straight_to_the_copy(
    user: SingleFile, prepare: Callable[[Path], None]
) -> None:
    prepare(user.path.parent / "cache")
    extra = {"XDG_CACHE_HOME": str(user.path.parent / "cache")}
    report(run_as_user(user, **extra))
    inode = (user.copy / "cco").stat().st_ino
    report(run_as_user(user, **extra))
    assert (user.copy / "cco").stat().st_ino == inode


def test_the_order_of_the_folders(single_file: SingleFile, tmp_path: Path) -> None:
    named, runtime = tmp_path / "named", tmp_path / "runtime"
    runtime.mkdir()
    places = {"XDG_CACHE_HOME": str(named), "XDG_RUNTIME_DIR": str(runtime)}
    stores = [named / "cco", single_file.store, runtime / "cco"]
    for store in stores:
        report(single_file.run(**places))
        assert (store / single_file.content_id / "cco").is_file()
        shutil.rmtree(store)
        store.write_text("occupied")


def test_relative_and_empty_folders_are_ignored(
    single_file: SingleFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report(single_file.run(XDG_CACHE_HOME="relative", XDG_RUNTIME_DIR="", TMPDIR="."))
    assert (single_file.copy / "cco").is_file()
    assert not Path("relative").exists()


def test_no_room_anywhere_is_one_clear_line(single_file: SingleFile, tmp_path: Path) -> None:
    """A limit on file sizes makes every folder behave as a full disk does: writes fail midway."""
    temp = tmp_path / "temp"
    temp.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        process = subprocess.Popen(
            [single_file.path],
            env=single_file.command_environment(
                TMPDIR=str(temp), XDG_CACHE_HOME=str(tmp_path / "x")
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            restore_signals=False,  # Python ignores SIGXFSZ: keep it so
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    output, errors = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, output) == (EXIT_LAUNCHER, b"")
    text = errors.decode()
    assert text.startswith("cco: found no folder to unpack into; tried ")
    assert text.count("\n") == 1
    for place in (
        tmp_path / "x",
        single_file.home / ".cache",
        temp,
        Path("/var/tmp"),
        Path("/tmp"),
    ):
        assert f"{place}/cco" in text
    assert text.count("File too large") == 5
    assert "XDG_CACHE_HOME" in text
    assert not list(temp.iterdir())
    assert not (single_file.home / ".cache" / "cco").exists()


def test_a_folder_where_programs_may_not_run(make_single_file: MakeSingleFile) -> None:
    """Without the executable bit exec fails as it does where a security module forbids it."""
    members = [Member("cco", b"#!/bin/sh\n", mode=0o644), *members_with()[:-1]]
    single_file = make_single_file(members)
    result = single_file.run()
    assert result.returncode == EXIT_LAUNCHER
    assert b"/.cache/cco (programs may not run from there)" in result.stderr
    assert not single_file.store.exists()


def test_a_single_file_that_cannot_be_read(user: SingleFile) -> None:
    user.path.chmod(0o711)
    if not ROOT:
        user.path.chmod(0o111)
    result = run_as_user(user)
    assert result.returncode == EXIT_LAUNCHER
    assert b"make it readable" in result.stderr


def _namespace() -> list[str] | None:
    """The command that gives a program mounts of its own, or None where the system allows none."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    command = [unshare, "--mount"] if ROOT else [unshare, "--mount", "--map-root-user"]
    done = subprocess.run([*command, "true"], capture_output=True, check=False)
    return command if done.returncode == 0 else None


@pytest.mark.parametrize("options", ["noexec", "ro", "size=4k"])
def test_mounts_that_cannot_hold_a_program(single_file: SingleFile, options: str) -> None:
    namespace = _namespace()
    if namespace is None:
        pytest.skip("this system lets nobody mount in a namespace of their own")
    cache = single_file.home.parent / "cache"
    cache.mkdir()
    script = f'mount -t tmpfs -o {options} none "$0" && shift 0 && exec "$@"'
    result = subprocess.run(
        [*namespace, "sh", "-c", script, str(cache), str(single_file.path)],
        env=single_file.command_environment(XDG_CACHE_HOME=str(cache)),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    report(result)
    assert (single_file.copy / "cco").is_file()


def test_without_proc(make_single_file: MakeSingleFile) -> None:
    namespace = _namespace()
    if namespace is None or not ROOT:
        pytest.skip("only root can take /proc away")
    single_file = make_single_file(members_with(b'#!/bin/sh\necho "$CCO_EXECUTABLE" "$0"\n'))
    script = 'umount -l /proc && exec "$@"'
    for _first_then_later in range(2):
        result = subprocess.run(
            [*namespace, "sh", "-c", script, "sh", str(single_file.path)],
            env=single_file.command_environment(),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
        assert result.stdout.decode() == f"{single_file.path} {single_file.copy}/cco\n"
