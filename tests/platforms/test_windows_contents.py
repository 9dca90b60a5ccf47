"""What cco.exe holds, and that it is made the same twice."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from freezing.secret import VARIABLE
from windows import wine
from windows.freeze import DEFAULT_OUTPUT

from tests.platforms.conftest import program
from tests.platforms.test_linux_contents import members

ROOT = Path(__file__).parent.parent.parent
FREEZE = ROOT / "build" / "windows" / "freeze.py"
AMD64 = 0x8664
BUILD_TIMEOUT_S = 900
TELLING_LINE_CHARS = 40
UNWANTED = ("_sqlite3", "hypothesis", "pytest", "setuptools", "tcl", "tkinter", "win32", "yaml")


@pytest.fixture(scope="module")
def held() -> dict[str, bytes]:
    return members(program(DEFAULT_OUTPUT.name).read_bytes())


def test_it_is_one_small_file() -> None:
    assert program(DEFAULT_OUTPUT.name).stat().st_size <= 16_000_000


def test_every_program_in_it_is_for_windows_x64(held: dict[str, bytes]) -> None:
    programs = {name: data for name, data in held.items() if data.startswith(b"MZ")}
    assert {"launcher", "cco.exe", "_internal/python311.dll"} <= set(programs)
    for name, data in programs.items():
        header = int.from_bytes(data[0x3C:0x40], "little")
        assert data[header : header + 4] == b"PE\0\0", name
        assert int.from_bytes(data[header + 4 : header + 6], "little") == AMD64, name
    assert not [name for name, data in held.items() if data.startswith(b"\x7fELF")]


def test_nothing_in_it_shows_what_should_not(held: dict[str, bytes]) -> None:
    lines = {
        line.strip().encode()
        for path in (ROOT / "cco" / "catalogue").rglob("*.md")
        for line in path.read_text().splitlines()
        if len(line.strip()) >= TELLING_LINE_CHARS
    }
    built_in = [f"{ROOT}/".encode(), wine.path(ROOT).encode() + b"\\", b"\\.build\\"]
    for name, data in held.items():
        assert not [line for line in lines if line in data], name
        assert not [place for place in built_in if place in data], name
    assert not [name for name in held for unwanted in UNWANTED if unwanted in name]


@pytest.mark.slow
@pytest.mark.timeout(2 * BUILD_TIMEOUT_S)
def test_two_freezes_are_byte_identical(tmp_path: Path) -> None:
    secret = secrets.token_hex(32)
    for name in ("first.exe", "second.exe"):
        done = subprocess.run(
            [sys.executable, FREEZE, "--release", "--out", tmp_path / name],
            env={**os.environ, VARIABLE: secret},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert secret not in done.stdout + done.stderr
    first = (tmp_path / "first.exe").read_bytes()
    assert (tmp_path / "second.exe").read_bytes() == first
    assert bytes.fromhex(secret) not in first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.exe", "second.exe"]
