"""Fixtures of the tests on other systems: `make test-platforms` runs them, `make test` does not.

They need root, and packages for the systems that they make.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from platforms import rootfs

collect_ignore_glob = [] if os.environ.get("CCO_TEST_PLATFORMS") else ["*"]


@pytest.fixture(scope="session")
def bookworm() -> Path:
    """A root file system with nothing in it but Debian's minimum."""
    return rootfs.make("bookworm")
