"""Paths as people read them."""

from __future__ import annotations

import os


def short_path(path: str) -> str:
    """A path with `~` for this user's home."""
    home = os.path.expanduser("~")
    if len(home) > 1 and (path == home or path.startswith(home + os.sep)):
        return "~" + path[len(home) :]
    return path
