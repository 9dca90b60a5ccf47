"""A freeze leaves nothing of its secret behind; if it was killed, the next one sees to that."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from freezing.scratch import scratch_folder

ROOT = Path(__file__).parent.parent.parent
WORK_UNTIL_KILLED = """
import sys
from pathlib import Path
from freezing.scratch import scratch_folder

with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "secret").write_text("secret")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "work"


def start(work: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORK_UNTIL_KILLED, work],
        env={"PYTHONPATH": str(ROOT / "build")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().rstrip("\n"))


def test_it_is_private_and_gone_after(work: Path) -> None:
    with scratch_folder(work) as folder:
        (folder / "below").mkdir()
        assert folder.stat().st_mode & 0o077 == 0
    assert list(work.iterdir()) == []


def test_a_failure_leaves_nothing(work: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch_folder(work):
        print(1 // 0)
    assert list(work.iterdir()) == []


def test_what_a_killed_freeze_left_is_removed_by_the_next(work: Path) -> None:
    process, left = start(work)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (left / "secret").exists()
    with scratch_folder(work):
        assert not left.exists()


def test_a_freeze_at_work_is_not_disturbed(work: Path) -> None:
    process, living = start(work)
    with scratch_folder(work) as mine:
        assert mine != living
        assert (living / "secret").exists()
    process.communicate()
    assert list(work.iterdir()) == []
