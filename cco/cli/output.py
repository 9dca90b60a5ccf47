"""How things are printed."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from cco.errors import CcoError

_NUMBER = re.compile(r"[$-]?[0-9][0-9.:]*s?")


def print_data(text: str) -> None:
    """Print what was asked for."""
    print(text)


def print_json(document: Any) -> None:
    """Print what was asked for, for programs."""
    lines = json.dumps(document, indent=2, ensure_ascii=False).split("\n")
    print("\n".join(map(_json_printable, lines)))


def _json_printable(line: str) -> str:
    """A line of JSON with all that drives a terminal escaped, which is in strings only."""
    if line.isprintable():
        return line
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line)


def print_note(text: str) -> None:
    """Tell a person something that was not asked for."""
    tell(f"cco: {text}")


def print_error(error: CcoError) -> None:
    """Say what happened and what to do next."""
    tell(f"cco: error: {error}")
    for line in error.advice.splitlines():
        tell(f"  {line}")


def tell(line: str) -> None:
    """Write one line to standard error; nobody is there to be told that it cannot be written."""
    try:
        print(printable(line), file=sys.stderr)
    except OSError:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # the exit must not fail over it again


def printable(text: str) -> str:
    """A text without control characters: paths and payloads must not drive the terminal."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Align rows under a header; numbers (and a header over them) to the right."""
    from cco.cli.columns import pad, width

    cells = [[printable(str(value)) for value in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(header, *cells, strict=True)]
    right = [
        bool(cells) and all(_NUMBER.fullmatch(row[index]) for row in cells)
        for index in range(len(header))
    ]
    lines = []
    for row in [list(header), *cells]:
        parts = [
            pad(value, columns, right=to_right)
            for value, columns, to_right in zip(row, widths, right, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)
