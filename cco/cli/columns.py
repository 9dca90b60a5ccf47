"""How many columns of a terminal a text takes, and how it is cut to fit."""

from __future__ import annotations

import unicodedata

_CUT = "…"
_EMOJI_STYLE = "\ufe0f"
"""Makes some characters before it wide, in some terminals."""
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)


def width(text: str) -> int:
    """The columns that a text without control characters takes; the most where terminals differ."""
    return len(text) if text.isascii() else sum(map(_width_of, text))


def fit(text: str, columns: int) -> str:
    """A text that takes at most so many columns; its end gives way."""
    if width(text) <= columns:
        return text
    kept = _opening(text, columns - 1)
    return kept + _CUT if columns > 0 else ""


def fit_end(text: str, columns: int) -> str:
    """A text that takes at most so many columns; its beginning gives way, as suits a path."""
    if width(text) <= columns:
        return text
    taken, start = 0, len(text)
    while start and taken + _width_of(text[start - 1]) <= columns - 1:
        start -= 1
        taken += _width_of(text[start])
    return _CUT + text[start:] if columns > 0 else ""


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """A text filled up with spaces."""
    space = " " * (columns - width(text))
    return space + text if right else text + space


def _opening(text: str, columns: int) -> str:
    taken = 0
    for index, one in enumerate(text):
        taken += _width_of(one)
        if taken > columns:
            return text[:index]
    return text


def _width_of(one: str) -> int:
    if one.isascii():
        return 1
    if one != _EMOJI_STYLE and unicodedata.category(one) in ("Mn", "Me"):
        return 0
    wide = unicodedata.east_asian_width(one) in "WF" or ord(one) in _FLAG_LETTERS
    return 2 if wide else 1
