"""POSIX: a terminal that gives every key at once and shows none."""

from __future__ import annotations

import os
import select
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

assert sys.platform != "win32"  # tells the type checker where this runs

_LOCAL_MODES = 3
_CONTROL_CHARACTERS = 6
_READ_BYTES = 1024


class Terminal:
    """Standard input and output. Ctrl-C and Ctrl-Z go on to be signals.

    Raises: EOFError once the terminal is gone.
    """

    def __init__(self) -> None:
        self._input = sys.stdin.fileno()
        self._output = sys.stdout.fileno()
        with _gone_is_the_end():
            self._found = termios.tcgetattr(self._input)

    def enter(self) -> None:
        """Take every key as it comes, without an echo."""
        with _gone_is_the_end():
            modes = termios.tcgetattr(self._input)
            modes[_LOCAL_MODES] &= ~(termios.ICANON | termios.ECHO)
            modes[_CONTROL_CHARACTERS][termios.VMIN] = 1
            modes[_CONTROL_CHARACTERS][termios.VTIME] = 0
            termios.tcsetattr(self._input, termios.TCSANOW, modes)

    def leave(self) -> None:
        """Restore the modes that were found."""
        with _gone_is_the_end():
            termios.tcsetattr(self._input, termios.TCSANOW, self._found)

    def read(self, timeout_s: float) -> str:
        """What was typed meanwhile."""
        if not select.select([self._input], [], [], timeout_s)[0]:
            return ""
        with _gone_is_the_end():
            data = os.read(self._input, _READ_BYTES)
        if not data:
            raise EOFError
        return data.decode("utf-8", "replace")

    def write(self, text: str) -> None:
        """Write all of a text, also where another program has made the terminal not wait."""
        data = text.encode("utf-8", "replace")
        while data:
            try:
                with _gone_is_the_end():
                    data = data[os.write(self._output, data) :]
            except BlockingIOError:
                select.select([], [self._output], [])

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        with _gone_is_the_end():
            columns, rows = os.get_terminal_size(self._output)
        return columns or 80, rows or 24


@contextmanager
def _gone_is_the_end() -> Iterator[None]:
    try:
        yield
    except BlockingIOError:
        raise
    except (OSError, termios.error):
        raise EOFError from None
