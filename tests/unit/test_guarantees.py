"""Every promise of docs/guarantees.md names tests, and the tests exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "guarantees.md").read_text()
PROMISES = [
    (promise.strip(), held_by)
    for promise, held_by in re.findall(
        r"^\| (?!promise|--)(.+) \| (.+) \|$", DOCUMENT, re.MULTILINE
    )
]


def test_there_are_promises() -> None:
    assert PROMISES


@pytest.mark.parametrize(("promise", "held_by"), PROMISES)
def test_a_promise_names_tests_that_exist(promise: str, held_by: str) -> None:
    named = re.findall(r"`([^`]+)`", held_by)
    assert named, promise
    for test in named:
        path, _, name = test.partition("::")
        text = (ROOT / path).read_text()
        if name:
            assert re.search(rf"^\s*(async )?def {name}\b", text, re.MULTILINE), test
        else:
            assert re.search(r"^\s*(async )?def test_", text, re.MULTILINE), test
