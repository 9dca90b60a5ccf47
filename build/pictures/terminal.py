"""A program on a pseudo-terminal, and the screen that a person would see."""

from __future__ import annotations

import copy
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pyte

TIMEOUT_S = 60
_POLL_S = 0.05
_PRIVATE = re.compile(rb"\x1b\[[<=>][0-9;:]*[@-~]")
"""Questions about the terminal and keyboard modes, which pyte would take for colours."""
_ALTERNATE = re.compile(rb"(\x1b\[\?1049[hl])")
"""To the screen for full-screen programs and back, of which pyte has one only."""
_UNFINISHED = re.compile(rb"\x1b(\[[0-?]*[ -/]*)?$")


class Terminal:
    """Start a program; read it, type to it, and wait for what its screen shows."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        folder: Path,
        *,
        columns: int = 100,
        rows: int = 30,
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self.on_change: Callable[[], None] = lambda: None
        """Called whenever the program has written something."""
        self._stream = pyte.ByteStream(self.screen)
        self._rest = b""
        self._behind: Any = None
        """The usual screen and its cursor, while a full-screen program shows its own."""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                os.execve(argv[0], list(argv), dict(env))  # noqa: S606  # what is to be recorded
            finally:
                os._exit(99)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def read(self, timeout_s: float) -> None:
        """Take in what the program writes, waiting for it at most so long."""
        if not select.select([self._fd], [], [], timeout_s)[0]:
            return
        with suppress(OSError):  # Linux says EIO when the program is gone
            data = self._rest + os.read(self._fd, 65536)
            unfinished = _UNFINISHED.search(data)
            end = unfinished.start() if unfinished else len(data)
            self._rest = data[end:]
            for piece in _ALTERNATE.split(_PRIVATE.sub(b"", data[:end])):
                self._feed(piece)
            self.on_change()

    def _feed(self, piece: bytes) -> None:
        screen = self.screen
        if not _ALTERNATE.fullmatch(piece):
            self._stream.feed(piece)
        elif piece.endswith(b"h"):
            self._behind = copy.deepcopy((screen.buffer, screen.cursor))
            screen.erase_in_display(2)
        elif self._behind is not None:
            screen.buffer, screen.cursor = self._behind
            self._behind = None

    def wait_for(self, condition: Callable[[], object] | str) -> None:
        """Read until the screen shows a text, or a condition holds."""
        holds = condition if callable(condition) else lambda: condition in self.text
        deadline = time.monotonic() + TIMEOUT_S
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain for {condition!r}; the screen:\n{self.text}")
            self.read(_POLL_S)

    def wait_for_exit(self) -> int:
        """Read to the program's end, and return its exit code."""
        status: list[int] = []

        def ended() -> bool:
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                status.append(os.waitstatus_to_exitcode(code))
            return bool(pid)

        self.wait_for(ended)
        return status[0]

    def close(self) -> None:
        """End the program if it still runs."""
        with suppress(OSError):
            os.close(self._fd)
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
