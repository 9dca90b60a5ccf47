"""What comes from the keyboard, and what fits a terminal's columns."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from cco.cli.columns import fit, fit_end, pad, width, wrap
from cco.cli.output import printable
from cco.cli.session_ids import shortened
from cco.cli.top import _obey
from cco.cli.top_screen import _KEY, _NAMES, Screen
from cco.cli.top_view import View

PRINTABLE = st.text(max_size=30).map(printable)
SEQUENCES = st.sampled_from(
    [*_NAMES, "\x1b", "\x1b[", "\x1b[1;5C", "\x1bO", "q", "é", "\x1b\x1b[A"]
)
TYPED = st.lists(SEQUENCES | st.text(max_size=4), max_size=8).map("".join)


class Keyboard:
    """Gives what is typed in pieces, then nothing."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = iter(pieces)

    def read(self, timeout_s: float) -> str:
        return next(self.pieces, "")

    def size(self) -> tuple[int, int]:
        return 80, 24


def screen_with(pieces: list[str]) -> Screen:
    screen = Screen.__new__(Screen)
    any_screen = cast(Any, screen)
    any_screen._terminal, any_screen._typed = Keyboard(pieces), ""
    any_screen._drawn, any_screen._size = [], (80, 24)
    return screen


def keys_of(pieces: list[str]) -> list[str]:
    """All keys, until nothing more comes."""
    screen = screen_with(pieces)
    found = [screen.keys(0.0) for _ in range(len(pieces) + 2)]
    return list(itertools.chain.from_iterable(found))


@given(TYPED, st.data())
def test_however_it_arrives_the_same_keys_were_pressed(typed: str, data: st.DataObject) -> None:
    """A sequence that comes in two pieces, as over a slow line, is the key that it is."""
    whole = keys_of([typed])
    cut = data.draw(st.integers(0, len(typed)))
    pieces = [piece for piece in (typed[:cut], typed[cut:]) if piece]
    assert keys_of(pieces) == whole


@given(TYPED)
def test_no_key_is_lost(typed: str) -> None:
    """Each is one character, or a sequence that begins with Escape."""
    spelled = _KEY.findall(typed)
    assert "".join(spelled) == typed
    assert keys_of([typed]) == [_NAMES.get(key, key) for key in spelled]
    assert all(len(key) == 1 or key.startswith("\x1b") for key in spelled)


@given(st.lists(st.sampled_from([*_NAMES.values(), "s", "a", "?", "x", "\0"]), max_size=20))
def test_any_keys_leave_a_view_that_can_be_shown(keys: list[str]) -> None:
    view = View()
    terminal = SimpleNamespace(keys=lambda timeout_s: keys)
    assert _obey(cast(Any, terminal), view, 0.0, 24) == ("q" not in keys)
    assert view.offset >= 0


@given(PRINTABLE, st.integers(-2, 30))
def test_what_fits_is_cut_no_further(text: str, columns: int) -> None:
    for cut in (fit, fit_end):
        once = cut(text, columns)
        assert cut(once, columns) == once
        assert width(once) <= max(columns, 0)
    assert fit(text, width(text)) == fit_end(text, width(text)) == text
    assert pad(text, columns, right=True).endswith(text)
    assert width(pad(text, columns)) == max(width(text), columns)


@given(PRINTABLE, st.integers(2, 30))
def test_what_is_wrapped_fits_and_loses_no_letter(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert all(width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrap(text, max(width(text), 1)) == [text]
    assert wrap(text, 0)  # no room at all is no reason to fail


@given(PRINTABLE, PRINTABLE)
def test_texts_are_as_wide_as_their_parts(one: str, other: str) -> None:
    assert width(one + other) == width(one) + width(other)


@given(st.lists(st.uuids().map(str) | st.text(max_size=12), max_size=6))
def test_a_shortened_id_means_one_session(ids: list[str]) -> None:
    shown = shortened(ids)
    assert shown.keys() == set(ids)
    assert len(set(shown.values())) == len(shown)
    for whole, short in shown.items():
        assert whole.startswith(short)
        assert short == whole or [one for one in set(ids) if one.startswith(short)] == [whole]
