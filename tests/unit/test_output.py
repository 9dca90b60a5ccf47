"""What is printed drives no terminal, be it for people or for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.cli.columns import width
from cco.cli.output import print_json, printable, table
from tests.vectors.drawn import JSON_VALUES

CONTROLS = "\x1b[31m\x9b1m\x7f\r\u202e\ufeff"


@given(st.text())
def test_whatever_it_is_a_text_is_made_printable_once_and_for_all(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)
    assert printable(text) == text or not text.isprintable()


def printed(document: Any, capsys: pytest.CaptureFixture[str]) -> str:
    print_json(document)
    return capsys.readouterr().out


def test_json_says_the_same_and_has_no_control_character_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @given(JSON_VALUES)
    def holds(document: Any) -> None:
        text = printed(document, capsys)
        assert text.replace("\n", "").isprintable()
        assert json.loads(text) == document

    holds()


def test_json_keeps_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(["größer 日本語 😀"], capsys) == '[\n  "größer 日本語 😀"\n]\n'
    odd = [CONTROLS, "\ud83d", "\U000e0001"]
    assert printed(odd, capsys) == (
        '[\n  "\\u001b[31m\\u009b1m\\u007f\\r\\u202e\\ufeff",\n'
        '  "\\ud83d",\n  "\\udb40\\udc01"\n]\n'
    )


@given(st.lists(st.tuples(st.text(max_size=5), st.integers() | st.text(max_size=5)), max_size=5))
def test_a_table_is_one_line_for_each_row(rows: list[tuple[str, object]]) -> None:
    lines = table(("NAME", "VALUE"), rows).split("\n")
    assert len(lines) == len(rows) + 1
    assert all(line.isprintable() for line in lines)


@given(st.lists(st.text(max_size=5) | st.sampled_from(["\u65e5\u672c", "e\u0301"]), min_size=1))
def test_columns_stand_below_each_other_however_wide_letters_are(names: list[str]) -> None:
    lines = table(("NAME", "VALUE"), [(name, "x") for name in names]).split("\n")
    assert {width(line) for line in lines[1:]} == {width(lines[0]) - len("VALUE") + len("x")}
