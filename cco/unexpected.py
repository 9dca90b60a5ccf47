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
_FILE = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM)
)
_NO_MEMORY = ("failed to map segment", "cannot allocate memory")
"""What the dynamic loader says where a module of Python's does not fit."""

_NO_DEVICE = "Have this system's devices where programs look for them: mount /dev, or make it anew."
_NOT_ALLOWED = "See what keeps programs here from it: a sandbox, or a security policy."


def told_as(error: Exception) -> CcoError:
    """The error that stands for an exception: the system's fault, or a defect of cco."""
    if isinstance(error, CcoError):
        return error
    if isinstance(error, FileNotFoundError) and error.filename is None:  # only of os.getcwd
        return UsageInvalid("the current folder is gone", advice="Change to another one.")
    text = str(error)
    if isinstance(error, MemoryError) or (
        isinstance(error, ImportError) and any(one in text.lower() for one in _NO_MEMORY)
    ):
        return SystemRefused("there is not enough memory")
    if isinstance(error, RuntimeError) and text == "can't start new thread":
        return SystemRefused("the system refuses: no more threads")
    if isinstance(error, OSError) and error.filename == os.devnull:
        return SystemRefused(f"{os.devnull} cannot be used: {error.strerror}", advice=_NO_DEVICE)
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        return SystemRefused(f"the system refuses: {os.strerror(error.errno)}")
    if isinstance(error, OSError) and error.errno in _FILE:
        reason = os.strerror(error.errno)
        if error.filename is not None:
            return FolderUnusable(f"{error.filename} cannot be used: {reason}")
        if error.errno in (errno.EACCES, errno.EPERM):
            return SystemRefused(f"the system refuses: {reason}", advice=_NOT_ALLOWED)
        return OutputFailed(f"the output cannot be written: {reason}")
    return Defect(f"unexpected {type(error).__name__}" + (f": {text!r}" if text else ""))
