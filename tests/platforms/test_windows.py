"""What tests/windows holds, run in wine: each of its files is a test here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from windows import test as driver
from windows.freeze import DEFAULT_OUTPUT

from tests.platforms.conftest import program

TIMEOUT_S = 1800


@pytest.fixture(scope="module")
def place() -> Iterator[driver.Place]:
    with driver.prepared(program(DEFAULT_OUTPUT.name)) as prepared:
        yield prepared


@pytest.fixture
def place_of_another() -> Iterator[driver.Place]:
    with driver.prepared(program(DEFAULT_OUTPUT.name), account="Jörg Ωmega") as prepared:
        yield prepared


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("file", sorted(driver.TESTS.glob("test_*.py")), ids=lambda path: path.stem)
def test_under_wine(file: Path, place: driver.Place) -> None:
    run(place, str(file))


@pytest.mark.timeout(TIMEOUT_S)
def test_under_wine_with_another_name(place_of_another: driver.Place) -> None:
    """An account whose name has a space and letters of two alphabets: it is part of the key."""
    run(
        place_of_another,
        str(driver.TESTS / "test_daemon.py"),
        "-k",
        "start_to_stop or key_is_bound",
    )


def run(place: driver.Place, *arguments: str) -> None:
    with place.pytest("-q", *arguments) as process:
        assert process.stdout is not None
        report = process.stdout.read()
        code = process.wait()
    sys.stdout.write(report)
    assert code == 0, f"pytest in wine ended with {code}; its report is above or below"
    assert " passed" in report
