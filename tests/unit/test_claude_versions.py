"""Versions of Claude Code: read, compared, and told alike everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cco.claude.versions import FULL, MINIMUM, TESTED, parse_version, shortcoming, spelled

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.1.330 (Claude Code)", (2, 1, 330)),
        ("claude 10.20.30\n", (10, 20, 30)),
        ("2.1.330-beta.1", (2, 1, 330)),
        ("", None),
        ("2.1", None),
        ("1.2.3.4", None),
        ("123456.1.1", None),
    ],
)
def test_reading(text: str, version: tuple[int, int, int] | None) -> None:
    assert parse_version(text) == version


def test_the_range_is_one() -> None:
    assert MINIMUM <= FULL <= TESTED
    assert shortcoming(MINIMUM) is None
    assert shortcoming((2, 1, 40)) is not None


def test_what_is_tested_is_what_the_tests_fetch() -> None:
    manifest = json.loads((ROOT / "build/claude-client/package.json").read_text())
    assert manifest["dependencies"]["@anthropic-ai/claude-code"] == spelled(TESTED)


def test_the_document_tells_the_same() -> None:
    document = (ROOT / "docs/doctor.md").read_text()
    for version in (MINIMUM, FULL, TESTED):
        assert spelled(version) in document
