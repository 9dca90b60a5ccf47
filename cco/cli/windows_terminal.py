"""Windows: a console that understands escape sequences and gives every key at once."""

from __future__ import annotations

import os
import sys
import time

assert sys.platform == "win32"  # tells the type checker where this runs

import ctypes
import msvcrt
from ctypes import wintypes

_PROCESSED_OUTPUT = 0x1
_VIRTUAL_TERMINAL = 0x4
_POLL_S = 0.02
_SPECIAL = ("\x00", "\xe0")
_SEQUENCES = {
    "H": "\x1b[A", "P": "\x1b[B", "I": "\x1b[5~", "Q": "\x1b[6~", "G": "\x1b[H", "O": "\x1b[F",
}  # fmt: skip
"""What a POSIX terminal sends for the same key."""


class Terminal:
    """The console of standard input and output."""

    def __init__(self) -> None:
        self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        self._output = wintypes.HANDLE(msvcrt.get_osfhandle(sys.stdout.fileno()))
        found = wintypes.DWORD()
        self._found = found if self._mode(found) else None

    def _mode(self, into: wintypes.DWORD) -> bool:
        return bool(self._kernel.GetConsoleMode(self._output, ctypes.byref(into)))

    def enter(self) -> None:
        """Let escape sequences through."""
        if self._found is not None:
            mode = self._found.value | _PROCESSED_OUTPUT | _VIRTUAL_TERMINAL
            self._kernel.SetConsoleMode(self._output, wintypes.DWORD(mode))

    def leave(self) -> None:
        """Restore the mode that was found."""
        if self._found is not None:
            self._kernel.SetConsoleMode(self._output, self._found)

    def read(self, timeout_s: float) -> str:
        """What was typed meanwhile."""
        deadline = time.monotonic() + timeout_s
        while not msvcrt.kbhit():
            if time.monotonic() >= deadline:
                return ""
            time.sleep(_POLL_S)
        key = msvcrt.getwch()
        if key == "\x03":
            raise KeyboardInterrupt
        return _SEQUENCES.get(msvcrt.getwch(), "") if key in _SPECIAL else key

    def write(self, text: str) -> None:
        """Write all of a text."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        return columns, rows
