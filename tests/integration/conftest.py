"""What several of these tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.collector import Collector


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made
