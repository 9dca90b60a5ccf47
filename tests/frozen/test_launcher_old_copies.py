"""Copies of other versions go as soon as nobody runs from them, and not before."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Sandbox, make_sandbox, wait_until
from tests.frozen.conftest import MakeSingleFile
from tests.frozen.single_file import TIMEOUT_S, Member, SingleFile, members_with, report

WAIT = b"""#!/bin/sh
echo started
read -r line
cat "${0%/*}/_internal/data" > /dev/null && echo "still whole"
"""


@pytest.fixture
def old(make_single_file: MakeSingleFile) -> SingleFile:
    """An earlier version, which runs until it is told to go on."""
    return make_single_file(members_with(WAIT))


@pytest.fixture
def new(make_single_file: MakeSingleFile, old: SingleFile) -> SingleFile:
    """A later version for the same home folder."""
    single_file = make_single_file()
    single_file.home = old.home
    return single_file


@contextmanager
def running(single_file: SingleFile, **extra: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run it until the end of the block; what it needs of its copy must be there still."""
    process = subprocess.Popen(
        [single_file.path],
        env=single_file.command_environment(**extra),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    try:
        yield process
    finally:
        output, _ = process.communicate(b"go on\n", TIMEOUT_S)
    assert output == b"still whole\n"


def names(store: Path) -> set[str]:
    return {path.name for path in store.iterdir()}


def test_the_first_run_of_a_version_removes_the_one_before(
    old: SingleFile, new: SingleFile
) -> None:
    with running(old):
        pass
    report(new.run())
    assert names(new.store) == {new.content_id}


def test_a_copy_that_somebody_runs_from_stays_until_they_end(
    old: SingleFile, new: SingleFile
) -> None:
    with running(old), running(old):
        report(new.run())
        report(new.run())
        assert names(new.store) == {
            new.content_id,
            old.content_id,
            f".superseded-{old.content_id}",
        }
    report(new.run())
    assert names(new.store) == {new.content_id}


def test_an_old_version_that_is_used_again_stays_while_it_runs(
    old: SingleFile, new: SingleFile
) -> None:
    with running(old):
        report(new.run())
        with running(old):
            pass
        report(new.run())
        assert old.content_id in names(new.store)
    with running(old):
        report(new.run())
        assert old.content_id in names(new.store)
    report(new.run())
    assert names(new.store) == {new.content_id}


def test_a_note_without_its_copy_goes(old: SingleFile, new: SingleFile) -> None:
    report(new.run())
    (new.store / f".superseded-{old.content_id}").touch()
    report(new.run())
    assert names(new.store) == {new.content_id}


@pytest.mark.parametrize("name", ["f" * 31, "f" * 33, "F" * 32, ".superseded-mine", "0" * 32])
def test_nothing_else_is_taken_for_an_old_copy(new: SingleFile, name: str) -> None:
    new.store.mkdir(parents=True, mode=0o700)
    (new.store / name).write_text("a file of somebody's")
    report(new.run())
    report(new.run())
    assert (new.store / name).exists()


def test_a_copy_that_is_being_removed_is_not_used(single_file: SingleFile) -> None:
    report(single_file.run())
    before = single_file.copy.stat().st_ino
    folder = os.open(single_file.copy, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        report(single_file.run())
        assert single_file.copy.stat().st_ino != before
    finally:
        os.close(folder)
    assert names(single_file.store) == {single_file.content_id}


def test_old_copies_in_worse_places_go_as_well(
    old: SingleFile, new: SingleFile, tmp_path: Path
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (old.home / ".cache").write_text("not a folder")
    with running(old, XDG_RUNTIME_DIR=str(runtime)):
        pass
    assert names(runtime / "cco") == {old.content_id}
    (old.home / ".cache").unlink()
    report(new.run(XDG_RUNTIME_DIR=str(runtime)))
    assert names(runtime / "cco") == set()
    assert names(new.store) == {new.content_id}


def test_two_versions_that_start_at_once_both_run(make_single_file: MakeSingleFile) -> None:
    versions = [
        make_single_file([*members_with(), Member("large", os.urandom(2_000_000))])
        for _ in range(2)
    ]
    versions[1].home = versions[0].home
    for _ in range(5):
        processes = [version.start() for version in versions * 5]
        for process in processes:
            _, errors = process.communicate(timeout=TIMEOUT_S)
            assert process.returncode == 0, errors
    assert names(versions[0].store) <= {
        name
        for version in versions
        for name in (version.content_id, f".superseded-{version.content_id}")
    }


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Sandbox]:
    place = make_sandbox("frozen", tmp_path)
    yield place
    place.close()


def test_the_daemon_holds_its_copy(frozen: Sandbox, new: SingleFile) -> None:
    """With the real program: the daemon keeps the lock, and its children do not."""
    cache = frozen.root / "cache"
    environment = frozen.environment(XDG_CACHE_HOME=str(cache))
    assert frozen.run("daemon", "start", env=environment).code == 0
    (copy,) = (cache / "cco").iterdir()
    report(new.run(XDG_CACHE_HOME=str(cache)))
    assert (copy / "cco").is_file()
    assert frozen.run("daemon", "stop", env=environment).code == 0
    wait_until(lambda: not frozen.processes(), "the end of the daemon")
    report(new.run(XDG_CACHE_HOME=str(cache)))
    assert names(cache / "cco") == {new.content_id}


@pytest.mark.parametrize("number", ["", "no number", "-1", "99", "9" * 30])
def test_without_a_launcher_the_program_runs_as_well(frozen: Sandbox, number: str) -> None:
    """As from a package that holds the folder itself, whatever the environment says."""
    environment = frozen.environment(XDG_CACHE_HOME=str(frozen.root / "cache"))
    version = frozen.run("version", env=environment)
    (copy,) = (frozen.root / "cache" / "cco").iterdir()
    done = subprocess.run(
        [copy / "cco", "version"],
        env=environment | {"CCO_COPY_LOCK": number},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, version.out, "")
