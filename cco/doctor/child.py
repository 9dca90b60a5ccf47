"""A program that is run to see what it does: bounded in time, whatever it starts itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Ended:
    """How a program ended and what it printed."""

    code: int
    out: str
    err: str


class Child:
    """A program that was started; others can be, before anybody waits for it.

    Raises: OSError, when it cannot be started.
    """

    def __init__(
        self, arguments: Sequence[str] | str, environ: Mapping[str, str], stdin: bytes = b""
    ) -> None:
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NO_WINDOW}
        self._process = subprocess.Popen(  # noqa: S603  # Claude Code, or cco itself
            arguments,
            shell=isinstance(arguments, str),  # as Claude Code runs a hook's command
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **apart,
        )
        self._began = time.monotonic()
        self.took_s = 0.0
        self._streams = (b"", b"")
        self._reader = threading.Thread(target=self._read, args=(stdin,), daemon=True)
        self._reader.start()

    def _read(self, stdin: bytes) -> None:
        with suppress(OSError, ValueError):
            self._streams = self._process.communicate(stdin)
        self.took_s = time.monotonic() - self._began

    def ended(self, timeout_s: float) -> Ended | None:
        """Wait for the end; what has not ended by then is ended, and is None.

        Shapes: timeout_s counts from the start.
        """
        self._reader.join(max(self._began + timeout_s - time.monotonic(), 0))
        if self._reader.is_alive():
            self._end()
            return None
        out, err = (one[:_MAX_BYTES].decode("utf-8", "replace") for one in self._streams)
        return Ended(self._process.returncode, out, err)

    def _end(self) -> None:
        """End it with all that it started; a pipe that somebody still holds is left to the exit."""
        with suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._reader.join(1.0)
