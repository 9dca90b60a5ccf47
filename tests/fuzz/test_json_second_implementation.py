"""JSON at its edges, as Node reads it, whose JSON is Claude Code's: duplicate names, lone
surrogates, numbers beyond every range, and what only looks like JSON."""

from __future__ import annotations

import base64
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cco.claude import settings_files
from cco.daemon.handler import BaseHandler, Problem
from tests.vectors.second import NODE, needs_node

pytestmark = needs_node
SCRIPT = Path(__file__).with_name("json_parse.mjs")
_MOST_DIGITS = 4_300
"""Python makes no int of more, for the time it takes."""

SPACES = st.sampled_from(["", "", "", " ", "\n", "\t\r", "\xa0", "\v", "\ufeff", "/**/"])
NUMBERS = st.sampled_from(
    [
        *"""
    0 -0 1 -1 01 +1 1. .5 -.5 1e5 1E+5 1e 1e999 -1e999 5e-324 1e-999 0x10 1_0 NaN Infinity
    -Infinity 9007199254740993 18446744073709551616 0.1 -0.0 1.7976931348623159e308 ٣ 00 - --1
    """.split(),
        *("9" * 400, "9" * _MOST_DIGITS, "0." + "1" * 400),
    ]
)
PIECES = st.sampled_from(
    ["a", "é", "😀", "\\n", "\\u0041", "\\ud83d", "\\ude00", "\\ud83d\\ude00", "\\uD800", "\\x41",
     "\\", '\\"', "\\/", "\\'", "\n", "\x00", "\x7f", "\u2028", "\\u12", "\\u00e9", "'"]
)  # fmt: skip
STRINGS = st.lists(PIECES, max_size=4).map(lambda pieces: '"' + "".join(pieces) + '"')
NAMES = st.sampled_from(['"a"', '"a"', '"\\u0061"', '"__proto__"', '""', "a", "'a'", '"\\ud83d"'])
WORDS = st.sampled_from(["true", "false", "null", "True", "undefined", "None", ""])


def joined(opening: str, closing: str) -> Callable[[tuple[list[str], str, str]], str]:
    return lambda parts: opening + parts[1] + ("," + parts[1]).join(parts[0]) + parts[2] + closing


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    ends = st.sampled_from(["", "", "", ","])
    pair = st.tuples(NAMES, SPACES, inner).map(lambda one: f"{one[0]}{one[1]}:{one[2]}")
    return st.one_of(
        st.tuples(st.lists(inner, max_size=3), SPACES, ends).map(joined("[", "]")),
        st.tuples(st.lists(pair, max_size=4), SPACES, ends).map(joined("{", "}")),
    )


TEXTS = st.tuples(
    SPACES, st.recursive(NUMBERS | STRINGS | WORDS, containers, max_leaves=6), SPACES
).map("".join)
DEEP = ["[" * depth + "]" * depth for depth in (10, 100, 500)]


def node_reads(texts: list[bytes]) -> list[Any]:
    """What Node makes of each: None where it refuses, else [value]."""
    assert NODE is not None
    told = json.dumps([base64.b64encode(one).decode() for one in texts])
    done = subprocess.run(
        [NODE, str(SCRIPT)], input=told.encode(), capture_output=True, timeout=60, check=True
    )
    found: list[Any] = json.loads(done.stdout)
    return found


def daemon_reads(text: bytes) -> list[Any] | None:
    """What a handler of the daemon makes of a body."""
    handler = SimpleNamespace(request=SimpleNamespace(body=text))
    try:
        return [BaseHandler.json_body(cast(BaseHandler, handler))]
    except Problem:
        return None


def settings_read(text: bytes) -> list[Any] | None:
    """What a launch makes of a settings file."""
    try:
        return [settings_files.parsed(text.decode())]
    except (ValueError, RecursionError):
        return None


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def assert_same(ours: list[Any] | None, theirs: list[Any] | None, text: bytes) -> None:
    """Both refuse it, or both read the same."""
    assert (ours is None) == (theirs is None), (text, ours, theirs)
    if ours is not None and theirs is not None:
        assert _compared(ours[0], theirs[0]), (text, ours, theirs)


def _compared(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, dict):
        pairs = dict(theirs)
        return ours.keys() == pairs.keys() and all(_compared(ours[k], pairs[k]) for k in pairs)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(_compared, ours, theirs))
    if isinstance(ours, (int, float)) and not isinstance(ours, bool):
        number, largest = float(theirs["n"]), sys.float_info.max
        return _float(ours) == number or (math.isinf(number) and abs(_float(ours)) == largest)
    return bool(ours == theirs and type(ours) is type(theirs))


@settings(max_examples=10, phases=[Phase.generate])  # each starts a process
@given(st.lists(TEXTS, min_size=30, max_size=50))
def test_we_read_what_node_reads(texts: list[str]) -> None:
    encoded = [text.encode() for text in [*texts, *DEEP]]
    for text, theirs in zip(encoded, node_reads(encoded), strict=True):
        for ours in (daemon_reads(text), settings_read(text)):
            assert_same(ours, theirs, text)


def test_what_is_too_long_or_too_deep_is_refused_and_not_failed_over() -> None:
    """Here Node goes further: nothing that Claude Code sends comes near. What a project may put
    into its settings does, so that a launch reads as much as it can, and says what it cannot."""
    too_much = [b"9" * (_MOST_DIGITS + 1), b"[" * 100_000 + b"]" * 100_000]
    assert all(one is not None for one in node_reads(too_much[:1]))
    for text in too_much:
        assert daemon_reads(text) is None
    assert settings_read(too_much[0]) == [sys.float_info.max]
    assert settings_read(too_much[1]) is None


def test_the_last_of_two_equal_names_counts() -> None:
    assert daemon_reads(b'{"a": 1, "a": {"b": 2}, "\\u0061": 3}') == [{"a": 3}]
