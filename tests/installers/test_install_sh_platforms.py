"""Which file installers/install.sh takes on which system, with stand-ins for what describes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installers.release_server import VERSION, Release, serve
from tests.installers.script import STAND_IN, Machine

PLATFORMS = ("linux-x86_64", "linux-aarch64", "macos-arm64", "macos-x86_64")


@pytest.fixture
def release() -> Iterator[Release]:
    """A release for every platform that the script knows."""
    with serve() as served:
        sums = b""
        for platform in PLATFORMS:
            served.publish(STAND_IN, platform)
            sums += b"".join(line for line in served.sums.splitlines(True) if b"." in line[-9:])
            sums += served.sums.splitlines(True)[-1]
        served.files[f"/download/v{VERSION}/SHA256SUMS"] = sums
        yield served


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "machine", "dash")


def pretend(machine: Machine, system: str, processor: str, **answers: str) -> None:
    """Let uname and its like describe another system; an answer that is not given is a failure."""
    machine.stubs["uname"] = (
        f'#!/bin/sh\n[ "$1" = -s ] && echo "{system}"\n[ "$1" = -m ] && echo "{processor}"\n:\n'
    )
    for tool in ("getconf", "ldd", "sysctl"):
        lines = "".join(
            f'[ "$1" = {argument.replace("__", "--")} ] && {{ echo "{answer}"; exit; }}\n'
            for name, answer in answers.items()
            for stub, _, argument in [name.partition("_")]
            if stub == tool
        ) + ("[ $2 = sysctl.proc_translated ] && echo 1\n" if tool in answers else "")
        machine.stubs[tool] = f"#!/bin/sh\n{lines}exit 1\n"


@pytest.mark.parametrize(
    ("system", "answers", "expected"),
    [
        ("Linux x86_64", {"getconf_GNU_LIBC_VERSION": "glibc 2.31"}, "linux-x86_64"),
        ("Linux amd64", {"getconf_GNU_LIBC_VERSION": "glibc 2.31.9000"}, "linux-x86_64"),
        ("Linux aarch64", {"getconf_GNU_LIBC_VERSION": "glibc 3.0"}, "linux-aarch64"),
        ("Linux arm64", {}, "linux-aarch64"),
        ("Darwin arm64", {}, "macos-arm64"),
        ("Darwin x86_64", {}, "macos-x86_64"),
        ("Darwin x86_64", {"sysctl": "1"}, "macos-arm64"),
    ],
)
def test_the_right_file_is_taken(
    machine: Machine, release: Release, system: str, answers: dict[str, str], expected: str
) -> None:
    pretend(machine, *system.split(), **answers)
    result = machine.run(release.base)
    assert result.code == 0, result
    assert release.asked[-1].endswith(f"-{expected}")
    assert machine.ran == ["version", "install"]


@pytest.mark.parametrize(
    ("system", "answers", "word"),
    [
        ("FreeBSD amd64", {}, "FreeBSD"),
        ("MINGW64_NT-10.0 x86_64", {}, "install.ps1"),
        ("Linux riscv64", {}, "riscv64"),
        ("Linux i686", {}, "i686"),
        ("Linux x86_64", {"getconf_LONG_BIT": "32"}, "32-bit"),
        ("Linux x86_64", {"getconf_GNU_LIBC_VERSION": "glibc 2.28"}, "2.28"),
        ("Linux x86_64", {"ldd___version": "musl libc (x86_64)"}, "musl"),
    ],
)
def test_a_system_without_a_release_is_told_why(
    machine: Machine, release: Release, system: str, answers: dict[str, str], word: str
) -> None:
    pretend(machine, *system.split(), **answers)
    result = machine.run(release.base)
    assert result.code == 3, result
    assert result.err.startswith("install.sh: error: ")
    assert len(result.err.splitlines()) == 1
    assert word in result.err
    assert machine.untouched()
    assert release.asked == []
