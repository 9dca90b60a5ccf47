"""Root file systems are kept whole or not at all. (What is in them: tests/platforms.)"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from platforms import rootfs
from platforms.kept import draft_of


def make(folder: Path, content: str) -> bool:
    """Whether there was something to make."""
    with draft_of(folder) as draft:
        if draft is not None:
            (draft / "file").write_text(content)
        return draft is not None


def test_it_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "kept" / "bookworm-amd64"
    assert make(folder, "first")
    assert not make(folder, "second")
    assert (folder / "file").read_text() == "first"


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "bookworm-amd64"
    with pytest.raises(TypeError):
        make(folder, None)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    assert make(folder, "whole")


def test_what_a_killed_one_left_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "bookworm-amd64"
    (tmp_path / ".bookworm-amd64.draft").mkdir()
    (tmp_path / ".bookworm-amd64.draft" / "half").write_text("half")
    assert make(folder, "whole")
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_two_at_once_make_one(tmp_path: Path) -> None:
    folder = tmp_path / "bookworm-amd64"
    made: list[bool] = []
    with draft_of(folder) as draft:
        assert draft is not None
        other = threading.Thread(target=lambda: made.append(make(folder, "second")))
        other.start()
        (draft / "file").write_text("first")
    other.join()
    assert made == [False]
    assert (folder / "file").read_text() == "first"


def test_a_wrong_suite_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        rootfs.main(["sarge"])
    assert ended.value.code == 2
    assert "sarge" in capsys.readouterr().err
