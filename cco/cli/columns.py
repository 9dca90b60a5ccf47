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


def wrap(text: str, columns: int) -> list[str]:
    """A text in lines of at most so many columns, cut between words.

    A word that is longer is cut behind a slash where it has one, as suits a path.
    """
    lines: list[str] = []
    line: str | None = None
    for word in text.split(" "):
        longer = word if line is None else f"{line} {word}"
        if width(longer) <= columns:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = _pieces(word, columns)
        lines += whole
    return [*lines, line or ""]


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


def _pieces(word: str, columns: int) -> list[str]:
    """A word in pieces of at most so many columns, each of one letter at least."""
    pieces = []
    while width(word) > columns:
        piece = _opening(word, columns) or word[0]
        if len(piece) == len(word):  # one letter that is wider than the room
            break
        slash = max(map(piece.rfind, "/\\")) + 1
        pieces.append(piece[: slash or len(piece)])
        word = word[len(pieces[-1]) :]
    return [*pieces, word]


def _width_of(one: str) -> int:
    if one.isascii():
        return 1
    if one != _EMOJI_STYLE and unicodedata.category(one) in ("Mn", "Me"):
        return 0
    wide = unicodedata.east_asian_width(one) in "WF" or ord(one) in _FLAG_LETTERS
    return 2 if wide else 1
