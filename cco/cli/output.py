"""How things are printed."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cco.errors import CcoError

_LEAST_COLUMNS = 12
"""A last column with less room than this stays as it is, and the terminal breaks its lines."""
_LEAD = re.compile(r" *(?:[-*] |[0-9]+\. )?")
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


def terminal_columns() -> int | None:
    """How wide what is printed may be; None where it goes into a file or to another program."""
    if not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def print_prose(text: str) -> None:
    """Print lines of words, on a terminal broken between words and indented as they begin."""
    columns = terminal_columns()
    for line in text.split("\n"):
        for part in [line] if columns is None else hanging(line, columns):
            print_data(part)


def hanging(line: str, columns: int) -> list[str]:
    """A line in lines of at most so many columns; what goes on is below the words of the first."""
    from cco.cli.columns import wrap

    begin = match[0] if (match := _LEAD.match(line)) else ""
    first, *rest = wrap(line[len(begin) :], columns - len(begin))
    return [begin + first, *(" " * len(begin) + more for more in rest)]


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    columns: int | None = None,
    shorten: Callable[[str, int], str] | None = None,
    spare: Sequence[str] = (),
) -> str:
    """Align rows under a header; numbers (and a header over them) to the right.

    With `columns` a row that is wider goes without what is `spare`, in this order; then its last
    cell gives way, which goes on in the lines below, or is shortened.
    """
    from cco.cli.columns import pad, width, wrap

    cells = [list(header), *([printable(str(value)) for value in row] for row in rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    for name in spare:
        taken = sum(widths[:-1]) + 2 * len(widths[1:]) + min(widths[-1], _LEAST_COLUMNS)
        if columns is None or taken <= columns:
            break
        index = cells[0].index(name)
        del widths[index]
        for row in cells:
            del row[index]
    right = [all(map(_NUMBER.fullmatch, column[1:])) for column in zip(*cells, strict=True)]
    indent = sum(widths[:-1]) + 2 * len(widths[1:])
    room = widths[-1] if columns is None else columns - indent
    if room >= _LEAST_COLUMNS:
        widths[-1] = min(widths[-1], room)
    lines = []
    for row in cells:
        last = [shorten(row[-1], widths[-1])] if shorten else wrap(row[-1], widths[-1])
        parts = [
            pad(value, wide, right=to_right and len(cells) > 1)
            for value, wide, to_right in zip([*row[:-1], last[0]], widths, right, strict=True)
        ]
        lines.append("  ".join(parts).rstrip())
        lines += [" " * indent + more for more in last[1:]]
    return "\n".join(lines)
