"""What a person is told of an exception that nobody raised on purpose."""

from __future__ import annotations

import errno
import os

from cco.errors import CcoError, Defect, OutputFailed, SystemRefused

_SYSTEM = frozenset((errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN))
_OUTPUT = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EROFS))


def told_as(error: Exception) -> CcoError:
    """The error that stands for an exception: the system's fault, or a defect of cco."""
    if isinstance(error, CcoError):
        return error
    if isinstance(error, MemoryError):
        return SystemRefused("there is not enough memory")
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        return SystemRefused(f"the system refuses: {os.strerror(error.errno)}")
    if isinstance(error, OSError) and error.errno in _OUTPUT:
        where = str(error.filename) if error.filename is not None else "the output"
        return OutputFailed(f"{where} cannot be written: {os.strerror(error.errno)}")
    text = str(error)
    return Defect(f"unexpected {type(error).__name__}" + (f": {text!r}" if text else ""))
