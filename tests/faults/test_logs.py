"""The daemon's log, moved, removed or replaced by others: nobody waits for it, and it goes on."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from tests.conftest import Sandbox, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="an open file keeps its name there")


def test_what_is_no_log_stops_nobody(source_sandbox: Sandbox) -> None:
    """Neither a folder in its place nor a pipe, which would have whoever opens it wait."""
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    path = sandbox.log_file
    for is_folder in (True, False):
        if is_folder:
            path.unlink()
            path.mkdir()
        else:
            path.rmdir()
            os.mkfifo(path)
        assert sandbox.hook("SessionStart", source="startup").status == 200
        logs = sandbox.run("daemon", "logs")
        assert (logs.code, logs.out) == (8, "")
        first, advice = logs.err.splitlines()
        assert first == f"cco: error: {path} is not a file"
        assert "Remove it" in advice
    sandbox.ok("daemon", "restart")
    assert sandbox.hook("SessionStart", source="startup").status == 200
    assert path.is_fifo()


@pytest.mark.parametrize("everything", [False, True], ids=["rotated", "with its folder"])
def test_a_log_that_is_taken_away_goes_on_in_a_new_one(
    source_sandbox: Sandbox, everything: bool
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    path = sandbox.log_file
    if everything:
        shutil.rmtree(path.parent)
    else:
        path.rename(path.with_suffix(".log.old"))
    sandbox.hook("SessionStart", "afterwards", source="startup")
    wait_until(path.exists, "the new log")
    assert "afterwards" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert "afterwards" in sandbox.ok("daemon", "logs")
