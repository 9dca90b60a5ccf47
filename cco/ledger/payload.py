"""How much of what others send is kept: whoever cuts an id must cut it as all others do."""

from __future__ import annotations

ID_CHARS = 200
NAME_CHARS = 120


def opening(value: object, limit_chars: int) -> str:
    """The opening of a text; empty for what is none."""
    return value[:limit_chars] if isinstance(value, str) else ""
