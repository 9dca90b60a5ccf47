"""Examples at the end of a command's help; the manual page shows the same."""

from __future__ import annotations

from collections.abc import Iterator

_HEADING = "Examples:"
_GAP = "  "


def examples(*pairs: tuple[str, str]) -> str:
    """Lay out command lines and what each does as an epilog that click leaves as it is."""
    width = max(len(line) for line, _ in pairs)
    lines = [f"  {line.ljust(width)}{_GAP}{meaning}" for line, meaning in pairs]
    return "\n".join(["\b", _HEADING, *lines])


def examples_of(epilog: str | None) -> Iterator[tuple[str, str]]:
    """Read back what `examples` has laid out; any other epilog has none."""
    _, found, text = (epilog or "").partition(f"{_HEADING}\n")
    for line in text.splitlines() if found else ():
        command, _, meaning = line.strip().partition(_GAP)
        yield command, meaning.strip()
