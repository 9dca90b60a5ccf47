"""One line of what `cco top` shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One line of the screen."""

    text: str
    style: str = ""
    """`strong`, `faint`, `alarm`, `heading` or nothing."""
