"""Reading files that others may have made something else of."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_DO_NOT_WAIT = getattr(os, "O_NONBLOCK", 0)


def read_regular(path: str | Path, limit_bytes: int) -> bytes:
    """Read the beginning of a file, and wait for nobody who may write to a pipe of that name.

    Raises: OSError.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _DO_NOT_WAIT)) as file:
        if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is a pipe")
        return file.read(limit_bytes) or b""  # None: a terminal that says nothing now
