"""Fixtures of the tests that run what `make freeze` made: CCO_TEST_BINARY, set by `make test`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.frozen.single_file import (
    Member,
    SingleFile,
    launcher_of,
    members_with,
    pack,
    write_single_file,
)

MakeSingleFile = Callable[..., SingleFile]
_SHARED_STORES = [Path(f"/var/tmp/cco-{os.getuid()}"), Path(f"/tmp/cco-cache-{os.getuid()}")]


@pytest.fixture(scope="session")
def launcher(binary: Path) -> bytes:
    """The launcher of the frozen program under test."""
    return launcher_of(binary)


@pytest.fixture
def make_single_file(launcher: bytes, tmp_path: Path) -> Iterator[MakeSingleFile]:
    """Make a single file with a payload of the test's own, and a home folder for it."""
    content_ids: list[str] = []

    def make(members: list[Member] | None = None) -> SingleFile:
        folder = tmp_path / f"single-{len(content_ids)}"
        home = folder / "home"
        home.mkdir(parents=True)
        path = folder / "cco-under-test"
        write_single_file(path, launcher, pack(members_with() if members is None else members))
        single_file = SingleFile(path, home)
        content_ids.append(single_file.content_id)
        return single_file

    yield make
    for content_id in content_ids:
        for store in _SHARED_STORES:
            assert not (store / content_id).exists()


@pytest.fixture
def single_file(make_single_file: MakeSingleFile) -> SingleFile:
    """A single file that reports how it was run."""
    return make_single_file()
