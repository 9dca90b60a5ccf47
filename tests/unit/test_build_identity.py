"""What ties a build to its sources: commit, time, fingerprints, and when it must be made again."""

from __future__ import annotations

import hashlib
import hmac
import shutil
import subprocess
from pathlib import Path

import pytest
from freezing import inputs
from freezing.errors import FreezeError
from freezing.identity import COMMIT_VARIABLE, UNKNOWN_COMMIT, build_id, identify

SECRET = b"s" * 32


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
        monkeypatch.setenv(f"GIT_{role}_DATE", "1700000000 +0000")
    (tmp_path / "file").write_text("one")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        git(tmp_path, *command)
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    program = shutil.which("git")
    assert program is not None
    command = [program, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_clean_tree_is_its_commit(repository: Path) -> None:
    sources = identify(repository)
    assert git(repository, "rev-parse", "HEAD").startswith(sources.commit)
    assert len(sources.commit) == 12
    assert sources.time_s == 1_700_000_000


@pytest.mark.parametrize("name", ["file", "new"])
def test_a_changed_tree_says_so(repository: Path, name: str) -> None:
    (repository / name).write_text("two")
    assert identify(repository).commit.endswith("+dirty")


def test_ignored_files_change_nothing(repository: Path) -> None:
    (repository / ".git" / "info" / "exclude").write_text("ignored\n")
    (repository / "ignored").write_text("made by a build")
    assert "+" not in identify(repository).commit


def test_a_tree_without_git_is_unknown(repository: Path) -> None:
    shutil.rmtree(repository / ".git")
    sources = identify(repository)
    assert sources.commit == UNKNOWN_COMMIT
    assert sources == identify(repository)


def test_the_time_can_be_given(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000000")
    assert identify(repository).time_s == 1_600_000_000


@pytest.mark.parametrize("commit", ["0123456789ab", "0123456789ab+dirty", UNKNOWN_COMMIT])
def test_the_commit_can_be_given(
    repository: Path, monkeypatch: pytest.MonkeyPatch, commit: str
) -> None:
    monkeypatch.setenv(COMMIT_VARIABLE, commit)
    assert identify(repository).commit == commit


@pytest.mark.parametrize("commit", ["", "main", "0123456789AB", "0123456789abc", "0123456789ab\n"])
def test_what_is_no_commit_is_refused(
    repository: Path, monkeypatch: pytest.MonkeyPatch, commit: str
) -> None:
    monkeypatch.setenv(COMMIT_VARIABLE, commit)
    with pytest.raises(FreezeError, match=COMMIT_VARIABLE):
        identify(repository)


def test_the_build_id_is_a_keyed_fingerprint() -> None:
    expected = hmac.new(SECRET, b"1.2.3abcdef", hashlib.sha256).hexdigest()[:16]
    assert build_id(SECRET, "1.2.3", "abcdef") == expected
    assert build_id(b"t" * 32, "1.2.3", "abcdef") != expected
    assert build_id(SECRET, "1.2.3", "abcdef+dirty") != expected


def test_a_file_is_current_until_something_changes(tmp_path: Path) -> None:
    out, work = tmp_path / "dist" / "cco", tmp_path / "work"
    for folder in (*inputs.FOLDERS, "dist", "work"):
        (tmp_path / folder).mkdir()
    source = tmp_path / inputs.FOLDERS[0] / "source.py"
    source.write_text("1")
    out.write_bytes(b"frozen")

    def record(secret: bytes = SECRET, fact: str = "1.0") -> str:
        return inputs.record_of(tmp_path, secret, [fact])

    kept = inputs.kept_for(out, work)
    assert not inputs.is_current(out, kept, record())
    inputs.keep(kept, out, record())
    assert inputs.is_current(out, kept, record())
    assert not inputs.is_current(out, kept, record(secret=b"t" * 32))
    assert not inputs.is_current(out, kept, record(fact="1.1"))
    (source.parent / "__pycache__").mkdir()
    (source.parent / "__pycache__" / "source.pyc").write_bytes(b"x")
    assert inputs.is_current(out, kept, record())
    source.write_text("2")
    assert not inputs.is_current(out, kept, record())
    source.write_text("1")
    out.write_bytes(b"tampered")
    assert not inputs.is_current(out, kept, record())
    out.unlink()
    assert not inputs.is_current(out, kept, record())
    assert inputs.kept_for(tmp_path / "elsewhere" / "cco", work) != kept
