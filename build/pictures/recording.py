"""What a terminal showed, and when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from pictures.terminal import Terminal

_SHORTEST_S = 0.12
"""Screens that stand for less are not told apart."""
_LONGEST_S = 1.2
"""Where the program waits for longer, the recording does not."""


@dataclass(frozen=True)
class Run:
    """Neighbouring cells that look alike: colours are names of pyte's or six hex digits."""

    column: int
    text: str
    foreground: str
    background: str
    bold: bool


Row = tuple[Run, ...]


@dataclass
class Frame:
    """One screen, from a moment on."""

    at_s: float
    rows: tuple[Row, ...]

    @property
    def text(self) -> str:
        return "\n".join(_plain(row) for row in self.rows)


class Recording:
    """Watches a terminal; its time leaves out waiting."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.columns, self.rows = terminal.screen.columns, terminal.screen.lines
        self.frames: list[Frame] = []
        self.still = 0
        """The frame for readers who want no movement."""
        self._at_s, self._last = 0.0, time.monotonic()
        terminal.on_change = self._look

    @property
    def duration_s(self) -> float:
        return self._at_s

    def linger(self, seconds: float, *, still: bool = False) -> None:
        """Show what is there for so long, whatever the program did."""
        self._look()
        if still:
            self.still = len(self.frames) - 1
        self._at_s += seconds
        self._last = time.monotonic()

    def shows(self, text: str) -> bool:
        """Whether a text stood on some screen."""
        return any(text in frame.text for frame in self.frames)

    def _look(self) -> None:
        now = time.monotonic()
        self._at_s += min(now - self._last, _LONGEST_S)
        self._last = now
        rows = tuple(_row(self.terminal, number) for number in range(self.rows))
        if self.frames and self.frames[-1].rows == rows:
            return
        if self.frames and self._at_s - self.frames[-1].at_s < _SHORTEST_S:
            self.frames[-1].rows = rows
        else:
            self.frames.append(Frame(self._at_s, rows))


def _plain(row: Row) -> str:
    line = ""
    for run in row:
        line = line.ljust(run.column) + run.text
    return line


def _row(terminal: Terminal, number: int) -> Row:
    return tuple(_runs(terminal, number))


def _runs(terminal: Terminal, number: int) -> Iterator[Run]:
    screen = terminal.screen
    cells = screen.buffer[number]
    run: Run | None = None
    for column in range(screen.columns):
        cell = cells[column]
        colours = (cell.bg, cell.fg) if cell.reverse else (cell.fg, cell.bg)
        look = (*colours, cell.bold)
        if run is not None and (run.foreground, run.background, run.bold) == look:
            run = Run(run.column, run.text + cell.data, *look)
        else:
            yield from _worth_drawing(run)
            run = Run(column, cell.data, *look)
    yield from _worth_drawing(run)


def _worth_drawing(run: Run | None) -> Iterator[Run]:
    if run is None:
        return
    if run.background == "default":
        text = run.text.rstrip()
        if text:
            yield Run(run.column, text, run.foreground, run.background, run.bold)
    else:
        yield run
