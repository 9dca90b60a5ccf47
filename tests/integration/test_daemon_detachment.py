"""The daemon keeps nothing of whoever started it: no terminal, no stream, no lock, no key."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import Sandbox, wait_until
from tests.fake_claude import FakeClaude

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks at the daemon through Linux's /proc"
)


def open_files(pid: int) -> list[str]:
    targets = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            targets.append(os.readlink(fd))
        except FileNotFoundError:
            continue
    return targets


def status_field(pid: int, name: str) -> str:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        field, _, value = line.partition(":")
        if field == name:
            return value.strip()
    raise AssertionError(name)


def read_until(fd: int, text: bytes) -> bytes:
    data = b""
    while text not in data:
        piece = os.read(fd, 4096)
        assert piece, data
        data += piece
    return data


def test_it_survives_the_terminal_that_started_it(sandbox: Sandbox) -> None:
    ours, theirs = pty.openpty()
    # the leader of a new session that opens a terminal makes it the session's own, as a login does
    script = 'exec < "$0" > "$0" 2>&1; "$@"; echo started; read -r line'
    shell = subprocess.Popen(
        ["/bin/sh", "-c", script, os.ttyname(theirs), *sandbox.command, "daemon", "start"],
        env=sandbox.environment(TERM="xterm"),
        start_new_session=True,
    )
    try:
        read_until(ours, b"started")
        settings = sandbox.sealed().settings
        assert os.getsid(settings.pid) != os.getsid(shell.pid)
        assert not [path for path in open_files(settings.pid) if path.startswith("/dev/pts")]
    finally:
        os.close(theirs)
        os.close(ours)  # the terminal goes away, and its session is told so
        shell.wait()
    assert shell.returncode == -signal.SIGHUP
    assert sandbox.request("GET", "/health", token=False).json()["instance"] == settings.instance


def test_nothing_of_the_starter_stays_in_it(sandbox: Sandbox, tmp_path: Path) -> None:
    lock = tmp_path / "starters.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        starter = subprocess.Popen(
            [*sandbox.command, "daemon", "start"],
            env=sandbox.environment(
                ANTHROPIC_API_KEY="sk-ant-test-000",
                CCO_TOKEN="an old token",
                AWS_SECRET_ACCESS_KEY="another secret",
                CCO_CLAUDE="/nowhere/claude",
                LC_ALL="C.UTF-8",
            ),
            cwd=sandbox.project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(held.fileno(),),
        )
        streams = {os.readlink(f"/proc/{starter.pid}/fd/{fd}") for fd in (0, 1, 2)}
        out, err = starter.communicate()
    assert (starter.returncode, err) == (0, b""), out
    with lock.open("w") as free:
        fcntl.flock(free, fcntl.LOCK_EX | fcntl.LOCK_NB)
    pid = sandbox.sealed().settings.pid
    files = open_files(pid)
    assert not streams & set(files)
    assert not [path for path in files if path.startswith("pipe:")]
    allowed = ["/dev/null", "socket:", "anon_inode:", str(sandbox.home), str(sandbox.temp)]
    if sandbox.frozen:  # the copy that it runs from, which it keeps from being cleared away
        allowed.append(sandbox.environment()["XDG_CACHE_HOME"])
    assert [path for path in files if not path.startswith(tuple(allowed))] == []
    for fd in (0, 1, 2):
        assert os.readlink(f"/proc/{pid}/fd/{fd}") == "/dev/null"


def test_its_surroundings_are_its_own(sandbox: Sandbox) -> None:
    secrets = {"ANTHROPIC_API_KEY": "sk-ant-test-000", "CCO_TOKEN": "old", "GITHUB_TOKEN": "x"}
    harmless = {"TZ": "UTC", "XDG_CACHE_HOME": str(sandbox.home / "cache")}
    result = sandbox.run("daemon", "start", env=sandbox.environment(**secrets, **harmless))
    assert result.code == 0, result
    process = psutil.Process(sandbox.sealed().settings.pid)
    environ = process.environ()
    assert not set(secrets) & set(environ)
    assert harmless.items() <= environ.items()
    assert environ["HOME"] == str(sandbox.home)
    assert process.cwd() == "/"
    assert process.ppid() != os.getpid()
    assert process.terminal() is None
    assert os.getsid(process.pid) != os.getsid(0)
    assert status_field(process.pid, "Umask") == "0077"
    assert str(sandbox.project) not in " ".join(process.cmdline())


def test_the_folder_that_it_was_started_in_can_go(source_sandbox: Sandbox) -> None:
    folder = source_sandbox.root / "passing"
    folder.mkdir()
    assert source_sandbox.run("daemon", "start", cwd=folder).code == 0
    folder.rmdir()
    source_sandbox.ok("daemon", "restart")


def test_a_launch_leaves_nothing_of_its_own_in_it(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    """The launching process becomes Claude Code, and must not be the daemon's parent."""
    sandbox = source_sandbox
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path), FAKE_GATE="1")
    launch = sandbox.start("-p", "x", env=env)
    try:
        wait_until(fake_claude.starts, "the stand-in's start")
        settings = sandbox.sealed().settings
        assert psutil.Process(settings.pid).ppid() != launch.pid
        assert psutil.Process(launch.pid).children(recursive=True) == []
        assert "FAKE_GATE" not in psutil.Process(settings.pid).environ()
        fake_claude.open_gate()
        launch.communicate()
    finally:
        launch.kill()
        launch.communicate()
    assert sandbox.request("GET", "/health", token=False).status == 200
