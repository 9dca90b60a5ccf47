"""Fixtures: the frozen program with a home of its own, where it may install itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from packing.archive import make_archive
from packing.folder import unpack_program
from release.names import PLATFORMS

from cco.build_info import VERSION
from tests.conftest import Sandbox, make_sandbox

TIME_S = 1_700_000_000


class Box(Sandbox):
    """A sandbox whose home is all that is written to: unpacked copies as well."""

    def environment(self, **more: str) -> dict[str, str]:
        plain = {"PATH": "/usr/bin:/bin", "SHELL": "/bin/bash", **more}
        base = super().environment(**plain)
        return {name: text for name, text in base.items() if name in plain or name[:3] != "XDG"}

    def tree(self) -> list[str]:
        """Everything in the home folder."""
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))

    @property
    def installed(self) -> Path:
        return self.home / ".local/bin/cco"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """The frozen program, as a person has it after a download."""
    form = make_sandbox("frozen", tmp_path / "frozen")
    place = Box(tmp_path / "box", form.command, frozen=True)
    yield place
    place.close()


@pytest.fixture(scope="session")
def folder_form(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as a folder, as archives and packages have it."""
    folder = tmp_path_factory.mktemp("folder form") / "cco"
    unpack_program(binary, folder)
    assert os.access(folder / "cco", os.X_OK)
    return folder


@pytest.fixture(scope="session")
def archive(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the program, compressed just a little."""
    out = tmp_path_factory.mktemp("packed")
    return make_archive(binary, PLATFORMS["linux-x86_64"], VERSION, out, TIME_S, level=1)
