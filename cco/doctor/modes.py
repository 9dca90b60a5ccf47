"""Files of ours that are open to others: what is wrong with them can be put right."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from cco.doctor.finding import Fix
from cco.sealing.private_files import is_ours


def closing(path: Path) -> Fix | None:
    """The fix for a file with which nothing is wrong but its mode; None for any other."""
    if not _is_open(path):
        return None
    return Fix("closes it to others again", lambda: _close(path))


def _is_open(path: Path) -> bool:
    if sys.platform == "win32" or not is_ours(path):
        return False
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and bool(status.st_mode & 0o077)


def _close(path: Path) -> str:
    """What was open to others may have been changed: the seal tells, and is looked at again."""
    if not _is_open(path):
        return ""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(fd, 0o600)
    finally:
        os.close(fd)
    return f"{path.name} is closed to others again"
