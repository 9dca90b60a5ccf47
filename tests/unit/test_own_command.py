"""The command that runs this same cco again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cco.own_command import daemon_command, self_command


def test_cco_runs_itself_without_looking_into_the_current_folder() -> None:
    assert self_command() == [sys.executable, "-I", "-m", "cco"]
    assert daemon_command() == self_command()


def test_a_frozen_cco_names_the_file_that_the_user_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    single_file = tmp_path / "cco"
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setenv("CCO_EXECUTABLE", str(single_file))
    assert self_command() == [sys.executable], "a file that is gone was named"
    single_file.touch()
    assert self_command() == [str(single_file)]
