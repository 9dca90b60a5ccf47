"""Windows: read a file without being in the way of whoever renames or removes it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

assert sys.platform == "win32"  # tells the type checker where this runs

import ctypes
import msvcrt
from ctypes import wintypes

_GENERIC_READ = 0x80000000
_SHARE_READ_WRITE_DELETE = 0x7
_OPEN_EXISTING = 3
_INVALID_HANDLE = ctypes.c_void_p(-1).value

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.CreateFileW.restype = ctypes.c_void_p


def open_shared(path: Path) -> BinaryIO:
    """Open a file for reading; Python's own open would keep others from renaming it.

    Raises: OSError.
    """
    handle = _kernel.CreateFileW(
        str(path),
        wintypes.DWORD(_GENERIC_READ),
        _SHARE_READ_WRITE_DELETE,
        None,
        _OPEN_EXISTING,
        0,
        None,
    )
    if handle == _INVALID_HANDLE:
        raise ctypes.WinError(ctypes.get_last_error())
    return os.fdopen(msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_BINARY), "rb")
