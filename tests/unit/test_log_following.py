"""Following the log: no line is lost when the file is rotated just then."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from cco.cli import daemon as command


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "daemon.log"
    path.write_text("one\ntwo\nthree\n")
    return path


@pytest.fixture
def few_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever follows a log naps while nothing is added; here a line must come soon."""
    naps = iter(range(20))

    def nap(seconds: float) -> None:
        assert next(naps, None) is not None, "the awaited line never came"

    monkeypatch.setattr("time.sleep", nap)


def take(following: Iterator[str], number: int) -> list[str]:
    return list(islice(following, number))


def rotate(path: Path, text: str) -> None:
    path.rename(path.with_name(path.name + ".1"))
    path.write_text(text)


@pytest.mark.parametrize(
    ("lines", "expected"), [(0, []), (1, ["three"]), (2, ["two", "three"]), (9, None)]
)
def test_the_last_lines(log: Path, lines: int, expected: list[str] | None) -> None:
    found = list(command._log_lines(log, lines, False))
    assert found == (["one", "two", "three"] if expected is None else expected)


def test_only_so_much_is_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_TAIL_BYTES", 8)
    assert list(command._log_lines(log, 9, False)) == ["three"]


@pytest.mark.usefixtures("few_naps")
def test_lines_written_just_before_a_rotation_are_seen(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: between a look that found nothing new and the look at the file's name."""
    look = command._was_rotated
    looks = 0

    def at_the_worst_moment(fd: int, path: Path) -> bool:
        nonlocal looks
        looks += 1
        if looks == 1:
            with path.open("a") as file:
                file.write("just before\n")
            rotate(path, "after\n")
        return look(fd, path)

    monkeypatch.setattr(command, "_was_rotated", at_the_worst_moment)
    following = command._log_lines(log, 1, True)
    assert take(following, 3) == ["three", "just before", "after"]


@pytest.mark.usefixtures("few_naps")
def test_several_rotations(log: Path) -> None:
    following = command._log_lines(log, 1, True)
    assert take(following, 1) == ["three"]
    for number in range(3):
        rotate(log, f"file {number}\n")
        assert take(following, 1) == [f"file {number}"]
