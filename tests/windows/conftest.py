"""Fixtures of the tests on Windows: there by `pytest tests/windows`, elsewhere by wine through
`python build/windows/test.py`.

CCO_TEST_BINARY names the frozen program, CCO_TEST_FAKE_CLAUDE the compiled fake_claude.c where no
MinGW is at hand to compile it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Sandbox, make_sandbox

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*.py"]
SOURCE = Path(__file__).parent / "fake_claude.c"
WINE = os.environ.get("CCO_TEST_WINE") is not None
"""Wine keeps nine mode bits of an access list, and lets a folder be renamed while it is in use."""


def _long_paths() -> bool:
    """Whether programs that know paths beyond 260 characters may use them; wine lets them."""
    if sys.platform != "win32":
        return False
    import winreg

    try:
        with winreg.OpenKey(
            winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem"
        ) as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return WINE


LONG_PATHS = _long_paths()
NEEDS_LONG_PATHS = "this Windows allows no paths beyond 260 characters"


@dataclass
class Start:
    """How the stand-in for Claude Code was started."""

    pid: int
    folder: str
    arguments: list[str]
    environ: dict[str, str]

    def option(self, name: str) -> str:
        """The value after an option."""
        return self.arguments[self.arguments.index(name) + 1]


class FakeClaude:
    """A native program in the place of Claude Code."""

    def __init__(self, program: Path, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.path = folder / "claude.exe"
        shutil.copy(program, self.path)

    def starts(self) -> list[Start]:
        return [self._read(path) for path in sorted(self.folder.glob("start.*"))]

    def only_start(self) -> Start:
        starts = self.starts()
        assert len(starts) == 1, starts
        return starts[0]

    def _read(self, path: Path) -> Start:
        folder, count, *rest = path.read_bytes().decode().split("\0")[:-1]
        entries = (entry.partition("=") for entry in rest[int(count) :])
        return Start(
            pid=int(path.name.removeprefix("start.")),
            folder=folder,
            arguments=rest[: int(count)],
            environ={name.upper(): value for name, _, value in entries},
        )


@pytest.fixture(scope="session")
def fake_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled stand-in."""
    named = os.environ.get("CCO_TEST_FAKE_CLAUDE")
    if named:
        return Path(named)
    if shutil.which("gcc") is None:
        pytest.skip("no MinGW gcc on PATH to compile the stand-in for Claude Code")
    program = tmp_path_factory.mktemp("fake") / "claude.exe"
    command = ["gcc", "-municode", "-Os", "-o", str(program), str(SOURCE)]
    subprocess.run(command, check=True)
    return program


@pytest.fixture
def fake_claude(fake_program: Path, tmp_path: Path) -> FakeClaude:
    return FakeClaude(fake_program, tmp_path / "fake")


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of the frozen program only."""
    place = make_sandbox("frozen", tmp_path)
    yield place
    place.close()
