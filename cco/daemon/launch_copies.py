"""The copies of the bridge that single launches made for themselves: which nobody needs any more.

The end of a session takes its copy away. What is left is of a launch that was killed before it
became Claude Code, or of a Claude Code that was killed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from cco.ledger.records import Session
from cco.sealing import names
from cco.sealing.folder import bridge_copies
from cco.sealing.private_files import is_ours

YOUNG_S = 3_600.0
SILENT_S = 86_400.0


def unnamed(copies: Iterable[Path]) -> list[Path]:
    """The copies that no process names in its arguments.

    A session in the background is hosted by a process that may name none: where one runs, every
    copy counts as named.
    """
    import psutil

    named: set[str] = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            named.update(process.cmdline())
    if any("--bg" in one for one in named):
        return []
    return [one for one in copies if str(one) not in named]


def abandoned(
    folder: Path, sessions: Iterable[Session], clock: Callable[[], float] = time.time
) -> list[Path]:
    """The copies that no process names, of launches whose sessions are all over or long silent."""
    now = clock()
    heard = {
        one.launch_id
        for one in sessions
        if one.ended_at is None and now - one.last_seen_at < SILENT_S
    }
    old = [
        one
        for one in bridge_copies(folder)
        if one.stem.removeprefix(names.BRIDGE_COPY_PREFIX) not in heard
        and is_ours(one)
        and _written_at(one) < now - YOUNG_S
    ]
    return unnamed(old) if old else []


def _written_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # its session has just ended
        return math.inf
