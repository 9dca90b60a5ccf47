"""The log on Windows: readers are not in its way, and those that are cost it nothing."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from cco.cli.daemon import _log_lines
from cco.daemon import log
from cco.daemon.log import open_log

assert sys.platform == "win32"  # tells the type checker where this runs


@pytest.fixture
def handler(tmp_path: Path) -> log._Rotating:
    return log._Rotating(tmp_path / "daemon.log", maxBytes=100, backupCount=2, encoding="utf-8")


def write(handler: logging.Handler, *texts: str) -> None:
    for text in texts:
        handler.emit(logging.LogRecord("cco", logging.INFO, "", 0, text, None, None))


def test_whoever_follows_lets_it_rotate(handler: log._Rotating, tmp_path: Path) -> None:
    write(handler, "a" * 80)
    with open_log(tmp_path / "daemon.log") as followed:
        write(handler, "b" * 80)
        assert followed.read().startswith(b"a" * 80)
    handler.close()
    assert (tmp_path / "daemon.log").read_text().strip() == "b" * 80
    assert (tmp_path / "daemon.log.1").read_text().strip() == "a" * 80


def test_followed_lines_end_where_they_end(handler: log._Rotating, tmp_path: Path) -> None:
    write(handler, "one")
    following = _log_lines(tmp_path / "daemon.log", 9, True)
    assert next(following) == "one"
    write(handler, "two", "three")
    assert [next(following), next(following)] == ["two", "three"]
    following.close()  # type: ignore[attr-defined]
    handler.close()


def test_held_open_it_goes_on_and_loses_nothing(handler: log._Rotating, tmp_path: Path) -> None:
    write(handler, "a" * 80)
    with (tmp_path / "daemon.log").open("rb"):
        write(handler, "b" * 80, "c" * 80)
        text = (tmp_path / "daemon.log").read_text()
    assert [line[:1] for line in text.splitlines()] == ["a", "b", "c"]
    write(handler, "d" * 80)
    handler.close()
    assert (tmp_path / "daemon.log").read_text().strip() == "d" * 80
