"""Where another account's names come and go, or another TMPDIR is in use: one daemon, and found."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cco.sealing import names
from cco.sealing.locks import is_held
from tests.conftest import Sandbox, finish, has_ended, wait_until
from tests.faults import forked

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="only root gives files away"
)
STRANGER = 47_112


@contextmanager
def held_by_a_stranger(path: Path) -> Iterator[None]:
    """A name of ours that another account holds."""
    path.touch()
    os.chown(path, STRANGER, STRANGER)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def private(sandbox: Sandbox) -> Path:
    return sandbox.temp / f"cco-{os.geteuid()}"


def test_a_name_that_is_held_for_a_moment_makes_no_second_daemon(
    source_sandbox: Sandbox,
) -> None:
    """One daemon starts in the temp folder; meanwhile another start finds a name taken there."""
    sandbox = source_sandbox
    reached, gate = sandbox.root / "reached", sandbox.root / "gate"

    def hold(label: str) -> None:
        if label == f"open {names.SETTINGS}.*.tmp" and not reached.exists():
            reached.touch()
            wait_until(gate.exists, "the gate")

    ready = sandbox.root / "ready"
    first = forked.start(sandbox, forked.daemon(ready), hold)
    try:
        forked.wait_for(first, reached)
        with held_by_a_stranger(sandbox.temp / names.START_LOCK):
            second = sandbox.start("daemon", "start")
            wait_until(private(sandbox).exists, "the other choice")
            wait_until(
                lambda: second.poll() is not None or sandbox.daemon_processes(), "the other start"
            )
        gate.touch()
        forked.wait_for(first, ready)
        (result,) = finish(second)
        assert result.code == 0, result
        wait_until(lambda: not sandbox.daemon_processes(), "the end of any other daemon")
        assert not has_ended(first)
        assert sandbox.sealed().settings.pid == first
        assert not private(sandbox).exists()
        assert forked.end(first) == 0
        assert list(sandbox.temp.iterdir()) == []
    finally:
        if not has_ended(first):
            os.kill(first, signal.SIGKILL)
        forked.wait(first)


def test_a_name_taken_after_a_crash_is_in_nobodys_way(source_sandbox: Sandbox) -> None:
    """What the killed daemon left says where it was, not where the next one is."""
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    sandbox.kill_daemon()
    (sandbox.temp / names.DAEMON_LOCK).unlink()
    with held_by_a_stranger(sandbox.temp / names.DAEMON_LOCK):
        sandbox.ok("daemon", "start")
        assert is_held(private(sandbox) / names.DAEMON_LOCK)
        (process,) = sandbox.daemon_processes()
        sandbox.ok("daemon", "start")
        sandbox.ok("daemon", "status")
        sandbox.ok("daemon", "restart")
        wait_until(lambda: len(sandbox.daemon_processes()) == 1, "the end of the one before")
        assert has_ended(process.pid)
        sandbox.ok("daemon", "stop")
        assert [path.name for path in sandbox.temp.iterdir()] == [names.DAEMON_LOCK]
    assert list(sandbox.temp.iterdir()) == []


def test_a_daemon_of_another_tmpdir_is_in_nobodys_way(source_sandbox: Sandbox) -> None:
    """In a temp folder that protects nothing it is the home that holds the other's files."""
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    before = sandbox.sealed().settings
    unsafe = sandbox.root / "unsafe"
    unsafe.mkdir()
    unsafe.chmod(0o777)
    env = sandbox.environment(TMPDIR=str(unsafe))
    assert sandbox.run("daemon", "start", env=env).code == 0
    try:
        sandbox.kill_daemon()
        sandbox.ok("daemon", "start")
        sandbox.ok("daemon", "restart")
        after = sandbox.sealed().settings
        assert (after.port, after.token) == (before.port, before.token)
        assert after.pid != before.pid
        assert sandbox.run("daemon", "status", env=env).code == 0
    finally:
        assert sandbox.run("daemon", "stop", env=env).code == 0
    assert list(unsafe.iterdir()) == []
