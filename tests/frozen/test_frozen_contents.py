"""What the frozen program's file gives away to someone who looks: no brief, no rule, no path."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from freezing.payload import archive_in

from cco.build_info import DEVELOPMENT_SECRET, VERSION

ROOT = Path(__file__).parent.parent.parent
CATALOGUE = ROOT / "cco" / "catalogue"
TELLING_LINE_CHARS = 40


@pytest.fixture(scope="module")
def whole(binary: Path) -> bytes:
    return binary.read_bytes()


@pytest.fixture(scope="module")
def unpacked(whole: bytes) -> bytes:
    """The archive inside, as an attacker has it after one call of zstd."""
    return archive_in(whole)


def names_in(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return opened.getnames()


def test_no_text_of_the_catalogue_shows(whole: bytes, unpacked: bytes) -> None:
    lines = {
        line.strip()
        for path in CATALOGUE.rglob("*.md")
        for line in path.read_text().splitlines()
        if len(line.strip()) >= TELLING_LINE_CHARS
    }
    assert len(lines) > 100
    shown = [line for line in lines if line.encode() in whole or line.encode() in unpacked]
    assert shown == []


def test_the_catalogue_is_there_sealed_only(unpacked: bytes) -> None:
    names = names_in(unpacked)
    assert "_internal/cco-catalogue.sealed" in names
    assert [name for name in names if name.endswith(".md")] == []


def test_the_secret_does_not_show(whole: bytes, unpacked: bytes) -> None:
    """Only the development secret, which is public, is in the sources and so in the program."""
    module = unpacked.index(b"BUILD_ID")
    assert DEVELOPMENT_SECRET not in unpacked[module - 2000 : module + 2000]
    assert DEVELOPMENT_SECRET not in whole


def test_nothing_tells_where_it_was_built(unpacked: bytes) -> None:
    assert os.fsencode(ROOT) + b"/" not in unpacked
    assert b"/.build/" not in unpacked


def test_development_tools_stay_out(unpacked: bytes) -> None:
    names = names_in(unpacked)
    for unwanted in ("tcl", "tkinter", "_sqlite3", "_ctypes", "setuptools", "RECORD", "yaml"):
        assert [name for name in names if unwanted in name] == []


def test_it_is_one_small_file(whole: bytes) -> None:
    assert len(whole) < 16_000_000


def test_it_says_what_it_is(binary: Path, tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": os.defpath, "LC_ALL": "C"}
    done = subprocess.run(
        [binary, "version"], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert VERSION in done.stdout
    assert done.stderr == ""
