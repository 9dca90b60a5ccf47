"""The signals that end a daemon."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable

_ENDING = ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK")


def hold_signals(hold: bool) -> None:
    """While no handlers stand, let signals wait: one in between would leave files behind."""
    if sys.platform != "win32":
        numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
        signal.pthread_sigmask(signal.SIG_BLOCK if hold else signal.SIG_UNBLOCK, numbers)


def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Let each of these signals end the daemon in good order."""
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is None:
            continue
        if sys.platform == "win32":
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        else:
            loop.add_signal_handler(number, stop)
