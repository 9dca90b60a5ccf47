"""Disks that are full or read-only: said so, and nothing that runs is given up over it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import Sandbox, wait_until
from tests.fake_claude import FakeClaude
from tests.integration.test_daemon_lifecycle import EVERYTHING
from tests.integration.test_history import written

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="only root mounts"
)
ROOMY = "size=64m"
TIGHT = "size=256k"
FULL = "size=4k"


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small disk in the place of a folder."""
    mount("-t", "tmpfs", "-o", options, "cco-test", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not a byte is left on a disk; another program has all of it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(512))
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture
def disk(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox whose temp folder is a disk of its own."""
    with mounted(sandbox.temp, ROOMY):
        yield sandbox
        sandbox.run("daemon", "stop")
        assert list(sandbox.temp.iterdir()) == []
        wait_until(lambda: not sandbox.processes(), "the end of the test's processes")


def assert_says_that_it_is_full(code: int, err: str) -> None:
    assert code == 8, err
    assert "No space left on device" in err
    assert "Make room there" in err
    assert len(err.splitlines()) == 2


def test_a_first_start_on_a_full_disk_leaves_nothing(
    disk: Sandbox, fake_claude: FakeClaude
) -> None:
    with filled(disk.temp):
        for command in ("start", "restart"):
            result = disk.run("daemon", command)
            assert_says_that_it_is_full(result.code, result.err)
        env = disk.environment(CCO_CLAUDE=str(fake_claude.path))
        launch = disk.run("-p", "x", env=env)
        assert launch.code == 125
        assert "No space left on device" in launch.err
        assert disk.leftovers() == []
    assert disk.run("-p", "x", env=env).code == 0


def test_a_disk_that_is_too_small_leaves_nothing(source_sandbox: Sandbox) -> None:
    """There is room for the lock and for some of the files."""
    sandbox = source_sandbox
    with mounted(sandbox.temp, TIGHT):
        result = sandbox.run("daemon", "start")
        assert_says_that_it_is_full(result.code, result.err)
        assert list(sandbox.temp.iterdir()) == []


@pytest.mark.parametrize("end", ["restart", "kill"])
def test_a_start_that_fails_gives_up_no_session(disk: Sandbox, end: str) -> None:
    """Port, token and history are there again once there is room."""
    disk.ok("daemon", "start")
    disk.hook("SessionStart", source="startup", cwd="/project")
    before = disk.sealed().settings
    if end == "restart":
        disk.ok("daemon", "restart")  # what it knows is on the disk then
        with filled(disk.temp):
            result = disk.run("daemon", "restart")
            assert_says_that_it_is_full(result.code, result.err)
    else:
        disk.ok("daemon", "restart")
        disk.kill_daemon()
        with filled(disk.temp):
            result = disk.run("daemon", "start")
            assert_says_that_it_is_full(result.code, result.err)
    wait_until(lambda: not disk.daemon_processes(), "the end of the daemon that failed")
    env = disk.session_environment(before)
    hook = disk.run("hook", "SessionStart", stdin=b'{"session_id": "s"}', env=env)
    assert (hook.code, hook.err) == (0, "")
    assert "additionalContext" in hook.out
    after = disk.sealed().settings
    assert (after.port, after.token) == (before.port, before.token)
    assert disk.request("GET", "/api/v1/sessions/s").json()["project"] == "/project"


def test_a_running_daemon_serves_on_a_full_disk(disk: Sandbox, fake_claude: FakeClaude) -> None:
    disk.ok("daemon", "start")
    env = disk.environment(CCO_CLAUDE=str(fake_claude.path))
    with filled(disk.temp):
        assert "hookSpecificOutput" in disk.hook("SessionStart", source="startup").json()
        assert disk.run("-p", "x", env=env).code == 0
        own = disk.run("--budget", "5", "-p", "x", env=env)  # this one needs a file of its own
        assert own.code == 125
        assert "No space left on device" in own.err
        assert "Make room there" in own.err
        for number in range(20):  # more than fits into what the file has of its last block
            disk.hook("SessionStart", f"{number}" * 100, source="startup", cwd="/project")
        log = next(disk.state.glob("*.log"))
        wait_until(lambda: "the history is not written" in log.read_text(), "the warning")
        assert disk.leftovers() == EVERYTHING
    disk.hook("SessionStart", "later", source="startup", cwd="/project")
    wait_until(lambda: '"later"' in written(disk), "the history")
    assert '"0000' in written(disk)
    assert log.read_text().count("the history is not written") == 1


def test_a_full_disk_for_the_log_is_no_matter(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.state.mkdir(parents=True)
    with mounted(sandbox.state, FULL), filled(sandbox.state):
        process = sandbox.start("daemon", "run")
        try:
            wait_until(lambda: sandbox.run("daemon", "status").code == 0, "the daemon's start")
            assert sandbox.hook("Stop").status == 200
            sandbox.ok("daemon", "stop")
            _, err = process.communicate()
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in err
    assert b"Logging error" not in err


def test_a_read_only_temp_folder_is_said_so(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    with mounted(sandbox.temp, "ro"):
        for arguments in (("daemon", "start"), ("daemon", "restart"), ("daemon", "stop")):
            result = sandbox.run(*arguments)
            assert result.code == 8, result
            assert "TMPDIR" in result.err
        assert sandbox.run("daemon", "status").code == 3
