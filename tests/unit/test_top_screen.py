"""The screen of `cco top`: what is written to it, and the terminal given back."""

from __future__ import annotations

import os
import pty
import re
import termios
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from cco.cli.top_line import Line
from cco.cli.top_screen import Screen, opened_screen


class Pair:
    """Both sides of a pseudo-terminal."""

    def __init__(self) -> None:
        self.outer, self.inner = pty.openpty()

    def fileno(self) -> int:
        return self.inner

    def written(self) -> str:
        """What was written since the last look, all of it."""
        os.write(self.inner, b"\0")
        text = b""
        while not text.endswith(b"\0"):
            text += os.read(self.outer, 1 << 16)
        return text[:-1].decode()

    def type(self, keys: bytes) -> None:
        os.write(self.outer, keys)

    def close(self) -> None:
        os.close(self.outer)
        os.close(self.inner)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """A pseudo-terminal in the place of standard input and output."""
    pair = Pair()
    streams = SimpleNamespace(stdin=pair, stdout=pair)
    monkeypatch.setattr("cco.cli.posix_terminal.sys", streams)
    yield pair
    pair.close()


def pressed(opened: Screen, count: int) -> list[str]:
    """So many keys, in however many pieces they come."""
    keys: list[str] = []
    while len(keys) < count:
        keys += opened.keys(60)
    return keys


def test_an_exception_gives_the_terminal_back(terminal: Pair) -> None:
    before = termios.tcgetattr(terminal.inner)

    def fail() -> None:
        with opened_screen(styled=True) as opened:
            assert termios.tcgetattr(terminal.inner) != before
            opened.draw([Line("here")])
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert termios.tcgetattr(terminal.inner) == before
    text = terminal.written()
    assert text.startswith("\x1b[?1049h\x1b[?25l")
    assert text.endswith("\x1b[?25h\x1b[?1049l")


def test_only_what_differs_is_written(terminal: Pair) -> None:
    with opened_screen(styled=True) as opened:
        opened.size()
        opened.draw([Line("one", "strong"), Line("two")])
        assert "\x1b[1;1H\x1b[K\x1b[1mone\x1b[0m\x1b[2;1H\x1b[Ktwo" in terminal.written()
        opened.draw([Line("one", "strong"), Line("three")])
        assert terminal.written() == "\x1b[2;1H\x1b[Kthree"
        opened.draw([Line("one", "strong")])
        assert terminal.written() == "\x1b[2;1H\x1b[K"
        opened.draw([Line("one", "strong")])
        assert terminal.written() == ""
        termios.tcsetwinsize(terminal.inner, (10, 40))
        assert opened.keys(60) == []  # a new size has something drawn
        assert opened.size() == (40, 10)
        opened.draw([Line("one", "strong")])
        assert "\x1b[2J" in terminal.written()


def test_without_style_there_is_no_colour(terminal: Pair) -> None:
    with opened_screen(styled=False) as opened:
        terminal.written()
        opened.draw([Line("one", "strong"), Line("two", "alarm")])
        assert not re.search(r"\x1b\[[0-9;]*m", terminal.written())


def test_keys_have_names_also_when_they_come_in_pieces(terminal: Pair) -> None:
    with opened_screen(styled=False) as opened:
        opened.size()
        opened.draw([])
        terminal.type(b"q\x1b[A\x1bOBj\x1b[6~\x1b[")
        assert pressed(opened, 5) == ["q", "up", "down", "down", "page down"]
        terminal.type(b"B")
        assert pressed(opened, 1) == ["down"]
        assert opened.keys(0) == []


def test_a_terminal_without_a_size_has_one(terminal: Pair) -> None:
    termios.tcsetwinsize(terminal.inner, (0, 0))
    with opened_screen(styled=False) as opened:
        assert opened.size() == (80, 24)
