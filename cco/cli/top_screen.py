"""The whole terminal for one program: drawn line by line, given back on every ending."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from cco.cli.top_line import Line

if sys.platform == "win32":
    from cco.cli.windows_terminal import Terminal
else:
    from cco.cli.posix_terminal import Terminal

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The alternate screen, no cursor, no wrapping."""
_LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
_CLEAR = "\x1b[2J"
_STYLES = {"strong": "1", "faint": "2", "alarm": "1;31", "heading": "7"}
_ENDINGS = ("SIGTERM", "SIGHUP")
_SLICE_S = 0.1
"""How long a new size of the terminal may go unnoticed: no signal tells of it everywhere."""
_KEY = re.compile(r"\x1b\[[0-?]*[@-~]|\x1bO[^\x1b]|[\s\S]")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*|O)?\Z")
_NAMES = {
    "\x1b[A": "up", "\x1bOA": "up", "k": "up", "\x1b[B": "down", "\x1bOB": "down", "j": "down",
    "\x1b[5~": "page up", "\x1b[6~": "page down", "\x1b[H": "home", "\x1bOH": "home",
    "\x1b[1~": "home", "\x1b[F": "end", "\x1bOF": "end", "\x1b[4~": "end", "Q": "q",
}  # fmt: skip


class Screen:
    """What is on the terminal."""

    def __init__(self, *, styled: bool) -> None:
        self._terminal = Terminal()
        self._styled = styled
        self._drawn: list[Line] | None = None
        self._size = (0, 0)
        self._typed = ""
        self._left = True
        self._ended = False
        self._handlers: dict[int, Any] = {}

    def draw(self, lines: Sequence[Line]) -> None:
        """Show these lines; only those that differ from what is there are written."""
        fresh = self._drawn is None
        before = self._drawn or []
        self._drawn = list(lines)  # first: a stop and continuation meanwhile makes it None again
        out = [_CLEAR] if fresh else []
        for index in range(max(len(lines), len(before))):
            line = lines[index] if index < len(lines) else Line("")
            if fresh or index >= len(before) or before[index] != line:
                out.append(f"\x1b[{index + 1};1H\x1b[K{self._dressed(line)}")
        if out:
            self._terminal.write("".join(out))

    def _dressed(self, line: Line) -> str:
        style = _STYLES.get(line.style) if self._styled and line.text else None
        return f"\x1b[{style}m{line.text}\x1b[0m" if style else line.text

    def size(self) -> tuple[int, int]:
        """Columns and rows; after a change, everything is drawn anew."""
        size = self._terminal.size()
        if size != self._size:
            self._size, self._drawn = size, None
        return size

    def keys(self, timeout_s: float) -> list[str]:
        """The keys that were pressed, by name; returns early where there is something to draw.

        Raises: EOFError once nobody can press any.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = max(deadline - time.monotonic(), 0.0)
            typed = self._terminal.read(min(left_s, _SLICE_S))
            self._typed += typed
            rest = _UNFINISHED.search(self._typed)
            end = rest.start() if rest and typed else len(self._typed)
            pressed = _KEY.findall(self._typed[:end])
            self._typed = self._typed[end:]
            stale = self._drawn is None or self._terminal.size() != self._size
            if pressed or stale or left_s == 0:
                return [_NAMES.get(key, key) for key in pressed]

    # --- taking the terminal and giving it back ---

    def enter(self) -> None:
        """Take the terminal."""
        self._left = False
        self._drawn = None
        self._terminal.enter()
        self._terminal.write(_ENTER)

    def leave(self) -> None:
        """Give the terminal back, as far as it is still there."""
        if self._left:
            return
        self._left = True
        with suppress(EOFError):
            self._terminal.write(_LEAVE)
        with suppress(EOFError):
            self._terminal.leave()

    def heed_signals(self) -> None:
        """End in order, and stop and go on in order."""
        kinds: dict[str, Any] = dict.fromkeys(_ENDINGS, self._on_end)
        kinds |= {"SIGINT": self._on_end, "SIGTSTP": self._on_stop, "SIGCONT": self._on_continue}
        for name, handler in kinds.items():
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._handlers[number] = signal.signal(number, handler)

    def close(self) -> None:
        """Give everything back; signals that come now no longer interrupt."""
        self._ended = True
        self.leave()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _on_end(self, number: int, _: object) -> None:
        if self._ended:
            return
        self._ended = True
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def _on_stop(self, number: int, _: object) -> None:
        if self._ended:
            return
        self.leave()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # here it stops, until somebody lets it go on
        signal.signal(number, self._on_stop)
        self.enter()

    def _on_continue(self, *_: object) -> None:
        """Also after a stop that no program hears of."""
        if not self._ended:
            self.enter()


@contextmanager
def opened_screen(*, styled: bool) -> Iterator[Screen]:
    """A screen that takes the terminal and gives it back however this ends."""
    screen = Screen(styled=styled)
    try:
        screen.heed_signals()
        screen.enter()
        yield screen
    finally:
        screen.close()
