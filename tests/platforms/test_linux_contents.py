"""What the portable programs hold: nothing that needs a newer glibc or another machine."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from freezing.payload import archive_in, read_trailer
from platforms import compiled, linux

from tests.platforms.conftest import program

ELF = b"\x7fELF"
MACHINES = {"x86_64": 62, "aarch64": 183}
"""Their numbers in an ELF header."""


def test_the_reader_sees_versions(tmp_path: Path) -> None:
    """The check below can fail: this very interpreter needs some glibc."""
    assert glibc_needed(Path("/bin/sh").read_bytes(), tmp_path) > (2, 2)
    assert glibc_needed(Path("/bin/sh").read_bytes(), tmp_path) < (3, 0)


@pytest.mark.parametrize("machine", sorted(linux.ARCHITECTURES))
def test_nothing_needs_a_newer_glibc(machine: str, tmp_path: Path) -> None:
    whole = program(f"cco-linux-{machine}").read_bytes()
    objects = {name: data for name, data in members(whole).items() if data.startswith(ELF)}
    assert len(objects) > 10
    for name, data in objects.items():
        assert int.from_bytes(data[18:20], "little") == MACHINES[machine], name
        assert glibc_needed(data, tmp_path) <= compiled.GLIBC, name


@pytest.mark.parametrize("machine", sorted(linux.ARCHITECTURES))
def test_it_is_one_small_file(machine: str) -> None:
    assert program(f"cco-linux-{machine}").stat().st_size <= 16_000_000


def members(whole: bytes) -> dict[str, bytes]:
    """The launcher, and every file that it unpacks."""
    trailer = read_trailer(whole)
    archive = archive_in(whole)
    found = {"launcher": whole[: trailer.offset]}
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        for member in opened:
            file = opened.extractfile(member) if member.isreg() else None
            if file is not None:
                found[member.name] = file.read()
    return found


def glibc_needed(data: bytes, folder: Path) -> tuple[int, int]:
    """The newest version of glibc whose symbols an ELF file asks for; (0, 0) if none."""
    path = folder / "object"
    path.write_bytes(data)
    done = subprocess.run(
        ["readelf", "--version-info", "--wide", path], capture_output=True, text=True, check=True
    )
    needs = done.stdout.partition("Version needs section")[2]
    versions = re.findall(r"Name: GLIBC_(\d+)\.(\d+)", needs)
    return max(((int(major), int(minor)) for major, minor in versions), default=(0, 0))
