"""What is printed drives no terminal, be it for people or for programs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.cli.columns import fit_end, width, wrap
from cco.cli.output import hanging, print_json, printable, table
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


def test_the_last_column_goes_on_below_itself_where_there_is_no_room() -> None:
    rows = [("debugger", "Failures of unknown cause"), ("x", "Short")]
    assert table(("NAME", "WHEN"), rows, columns=30).split("\n") == [
        "NAME      WHEN",
        "debugger  Failures of unknown",
        "          cause",
        "x         Short",
    ]
    assert table(("NAME", "WHEN"), rows, columns=80) == table(("NAME", "WHEN"), rows)
    assert table(("NAME", "WHEN"), rows, columns=15) == table(("NAME", "WHEN"), rows)


def test_a_path_in_the_last_column_keeps_its_end() -> None:
    rows = [("3f0c1b52", "/home/ada/work/shop"), ("short", "~/a")]
    text = table(("SESSION", "PROJECT"), rows, columns=24, shorten=fit_end)
    assert text.split("\n") == [
        "SESSION   PROJECT",
        "3f0c1b52  …ada/work/shop",
        "short     ~/a",
    ]


def test_what_can_be_spared_goes_before_the_last_column_gives_way() -> None:
    header, row = (
        ("SESSION", "CALLS", "TOKENS", "PROJECT"),
        ("3f0c1b52", 12, 3456, "/home/ada/shop"),
    )

    def headers(columns: int | None) -> list[str]:
        text = table(header, [row], columns=columns, shorten=fit_end, spare=("CALLS", "TOKENS"))
        assert columns is None or max(map(width, text.split("\n"))) <= columns
        return text.split("\n")[0].split()

    assert headers(None) == headers(39) == headers(37) == [*header]
    assert headers(36) == headers(30) == ["SESSION", "TOKENS", "PROJECT"]
    assert headers(29) == headers(22) == ["SESSION", "PROJECT"]


def test_lines_are_broken_between_words_and_paths_behind_a_slash() -> None:
    assert wrap("one two three", 8) == ["one two", "three"]
    assert wrap("in /home/ada/work/shop", 12) == ["in", "/home/ada/", "work/shop"]
    assert wrap("C:\\Users\\ada", 9) == ["C:\\Users\\", "ada"]
    assert wrap("0123456789", 4) == ["0123", "4567", "89"]
    assert wrap("", 4) == [""]
    assert wrap("  two  spaces", 13) == ["  two  spaces"]


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        ("- one two three", ["- one two", "  three"]),
        ("12. one two three", ["12. one", "    two", "    three"]),
        ("  one two three", ["  one two", "  three"]),
        ("one two three", ["one two", "three"]),
        ("", [""]),
    ],
)
def test_what_goes_on_is_below_the_words_it_goes_on_from(line: str, lines: list[str]) -> None:
    assert hanging(line, 9) == lines
