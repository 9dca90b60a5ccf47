"""What a person notices of the launcher: nothing. Same process, same arguments, same name."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.frozen.conftest import MakeSingleFile
from tests.frozen.single_file import TIMEOUT_S, Member, SingleFile, contents, members_with, report

ARGUMENTS = ["", " ", "a b", "line\nbreak", "--help", "--", "-x", "'\"$HOME`", "ÅÖ✓", "\udcff", ""]


def test_arguments_arrive_untouched(single_file: SingleFile) -> None:
    for _first_then_later in range(2):
        _, _, *arguments = report(single_file.run(*ARGUMENTS))
        assert arguments == [os.fsencode(argument) for argument in ARGUMENTS]


def test_the_pid_stays(single_file: SingleFile) -> None:
    for _first_then_later in range(2):
        process = single_file.start()
        output, _ = process.communicate(timeout=TIMEOUT_S)
        assert int(output.split(b"\0")[1]) == process.pid


def test_the_name_it_was_called_by_stays(make_single_file: MakeSingleFile) -> None:
    cat = shutil.which("cat")
    assert cat is not None
    single_file = make_single_file(members_with(Path(cat).read_bytes()))
    result = subprocess.run(
        ["any name", "/proc/self/cmdline"],
        executable=single_file.path,
        env=single_file.command_environment(),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    assert result.stdout == b"any name\0/proc/self/cmdline\0"


def test_the_program_learns_where_the_single_file_is(
    single_file: SingleFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(single_file.path)
    monkeypatch.chdir(tmp_path)
    for command in (str(single_file.path), "./link"):
        result = subprocess.run(
            [command],
            env=single_file.command_environment(CCO_EXECUTABLE="/some/other/cco"),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert report(result)[0] == os.fsencode(single_file.path.resolve())


def test_exit_status_and_streams_are_the_programs(make_single_file: MakeSingleFile) -> None:
    single_file = make_single_file(members_with(b"#!/bin/sh\ncat\necho oops >&2\nexit 42\n"))
    result = subprocess.run(
        [single_file.path],
        env=single_file.command_environment(),
        input=b"through",
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (42, b"through", b"oops\n")


def test_of_the_launchers_descriptors_only_the_lock_stays_open(
    make_single_file: MakeSingleFile,
) -> None:
    script = b'#!/bin/sh\nreadlink /proc/$$/fd/"$CCO_COPY_LOCK"\nexec ls /proc/self/fd\n'
    single_file = make_single_file(members_with(script))
    for _first_then_later in range(2):
        locked, *descriptors = single_file.run().stdout.split()
        assert locked == os.fsencode(single_file.copy)
        # 0 to 2, the lock, and the one that ls itself has on the folder
        assert len(descriptors) == 5


def test_what_is_unpacked_is_what_was_packed(make_single_file: MakeSingleFile) -> None:
    long_name = "/".join(["_internal", "n" * 99, "o" * 99])
    members = members_with()
    members += [Member(f"_internal/{'n' * 99}", mode=0o755, kind=b"5"), Member(long_name, b"deep")]
    members += [Member("_internal/empty"), Member("_internal/big", os.urandom(300_001))]
    single_file = make_single_file(members)
    report(single_file.run())
    found = contents(single_file.copy)
    assert sorted(found) == sorted(member.name for member in members)
    for member in members:
        mode, body = found[member.name]
        assert body == (member.link.encode() or member.body)
        assert mode & 0o777 == (0o777 if member.link else member.mode)
    assert single_file.store.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_umask_does_not_matter(single_file: SingleFile, umask: int) -> None:
    for _first_then_later in range(2):
        result = subprocess.run(
            [single_file.path],
            env=single_file.command_environment(),
            umask=umask,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        report(result)
    assert single_file.store.stat().st_mode & 0o777 == 0o700
    assert (single_file.copy / "cco").stat().st_mode & 0o777 == 0o755


def test_variables_of_a_cco_above_are_not_believed(make_single_file: MakeSingleFile) -> None:
    single_file = make_single_file(members_with(b"#!/bin/sh\nenv\n"))
    result = single_file.run(_PYI_ARCHIVE_FILE="/elsewhere", _PYI_PARENT_PROCESS_LEVEL="1")
    told = dict(line.split("=", 1) for line in result.stdout.decode().splitlines())
    assert told.get("_PYI_ARCHIVE_FILE", str(single_file.copy / "cco")) == str(
        single_file.copy / "cco"
    )
    assert told.get("_PYI_PARENT_PROCESS_LEVEL", "-1") == "-1"
