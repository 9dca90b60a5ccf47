"""Fixtures of the tests on other systems: `make test-platforms` runs them, `make test` does not.

They need root, and make systems out of Debian packages. CCO_TEST_PLATFORMS names the folder of the
programs under test.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from platforms import rootfs

PROGRAMS = os.environ.get("CCO_TEST_PLATFORMS")
collect_ignore_glob = [] if PROGRAMS else ["*"]


def program(name: str) -> Path:
    """One of the programs under test."""
    path = Path(PROGRAMS or "").resolve() / name
    assert path.is_file(), f"{path} is not there: make test-platforms"
    return path


@pytest.fixture(scope="session")
def bookworm() -> Path:
    """A root file system with nothing in it but Debian's minimum."""
    return rootfs.make("bookworm")
