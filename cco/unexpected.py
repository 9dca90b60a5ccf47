"""What a person is told of an exception that nobody raised on purpose."""

from __future__ import annotations

import errno
import os

from cco.errors import (
    CcoError,
    Defect,
    FolderUnusable,
    OutputFailed,
    SystemRefused,
    UsageInvalid,
)

_SYSTEM = frozenset((errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN))
_WRITING = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS))


def told_as(error: Exception) -> CcoError:
    """The error that stands for an exception: the system's fault, or a defect of cco."""
    if isinstance(error, CcoError):
        return error
    if isinstance(error, FileNotFoundError) and error.filename is None:  # only of os.getcwd
        return UsageInvalid("the current folder is gone", advice="Change to another one.")
    if isinstance(error, MemoryError):
        return SystemRefused("there is not enough memory")
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        return SystemRefused(f"the system refuses: {os.strerror(error.errno)}")
    if isinstance(error, OSError) and error.errno in _WRITING:
        reason = os.strerror(error.errno)
        if error.filename is not None:
            return FolderUnusable(f"{error.filename} cannot be used: {reason}")
        return OutputFailed(f"the output cannot be written: {reason}")
    text = str(error)
    return Defect(f"unexpected {type(error).__name__}" + (f": {text!r}" if text else ""))
