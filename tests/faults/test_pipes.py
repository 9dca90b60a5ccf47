"""Pipes that nobody writes to, where a file is expected: never waited for."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cco import config
from cco.claude.user_settings import read_user_settings
from cco.config import load_config
from cco.errors import ConfigInvalid
from cco.ledger.projects import project_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes have names on POSIX")


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """Fail where something waits."""

    def fail(*_: object) -> None:
        raise AssertionError("it waits for somebody to write")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, 10)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_a_project_cannot_stop_the_daemon(tmp_path: Path) -> None:
    """By a work tree whose repository says where it is through a pipe."""
    project, repository = tmp_path / "project", tmp_path / ".git" / "worktrees" / "one"
    project.mkdir()
    repository.mkdir(parents=True)
    os.mkfifo(repository / "gitdir")
    (project / ".git").write_text(f"gitdir: {repository}\n")
    assert project_of(str(project)) == str(project)


def test_a_project_cannot_stop_a_launch(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    os.mkfifo(tmp_path / ".claude" / "settings.json")
    os.mkfifo(tmp_path / ".git")
    environ = {"CLAUDE_CONFIG_DIR": str(tmp_path / "none")}
    assert not read_user_settings(tmp_path, environ, None).has_status_line


def test_a_config_that_is_none_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("CCO_CONFIG", str(path))
    os.mkfifo(path)
    with pytest.raises(ConfigInvalid, match="it is a pipe"):
        load_config()
    path.unlink()
    path.write_text("# " + "x" * config._MAX_BYTES)
    with pytest.raises(ConfigInvalid, match="larger than"):
        load_config()
    monkeypatch.setenv("CCO_CONFIG", os.devnull)
    assert load_config() == config.Config()
