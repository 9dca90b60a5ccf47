"""What breaks: full disks, cleaners, clocks, limits, and cco in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Sandbox, make_sandbox


@pytest.fixture
def frozen_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox for what only the frozen program can tell."""
    place = make_sandbox("frozen", tmp_path)
    yield place
    place.close()
