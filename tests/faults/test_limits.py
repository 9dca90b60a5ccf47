"""Out of descriptors, processes or memory: said so, and over once there is some again."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from cco.daemon import history
from cco.daemon.connections import MOST_DESCRIPTORS, RESERVED
from tests.conftest import Result, Sandbox, wait_until
from tests.fake_claude import FakeClaude
from tests.in_shell import in_shell

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits are set as on Linux"
)


def limited(sandbox: Sandbox, limits: str, *arguments: str, **more: str) -> Result:
    """Run cco under a shell's limits."""
    return in_shell(sandbox, f'{limits} && exec "$@"', *arguments, **more)


def assert_clear(result: Result) -> None:
    """An error that says what is lacking, and what to do."""
    assert result.code != 0
    first, *advice = result.err.splitlines()
    assert first.startswith("cco: error: "), result
    assert advice, result
    assert "Traceback" not in result.err
    assert "defect of cco" not in result.err


@pytest.mark.parametrize("descriptors", [5, 6, 7, 8])
def test_too_few_descriptors_are_said_so(
    source_sandbox: Sandbox, fake_claude: FakeClaude, descriptors: int
) -> None:
    for arguments in (("daemon", "start"), ("-p", "x")):
        more = {"CCO_CLAUDE": str(fake_claude.path)}
        result = limited(source_sandbox, f"ulimit -n {descriptors}", *arguments, **more)
        assert_clear(result)
        assert "Too many open files" in result.err
    assert list(source_sandbox.temp.iterdir()) == []
    source_sandbox.ok("daemon", "start")


def test_descriptors_for_hardly_a_session_are_said_to_be_too_few(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    """A daemon that could take one connection would turn its own sessions away."""
    for arguments in (("daemon", "start"), ("-p", "x")):
        more = {"CCO_CLAUDE": str(fake_claude.path)}
        result = limited(source_sandbox, "ulimit -n 32", *arguments, **more)
        assert_clear(result)
        assert "32 open files are too few for the daemon: it needs 48" in result.err
        assert "ulimit -n" in result.err
    assert list(source_sandbox.temp.iterdir()) == []


@pytest.mark.parametrize("kibibytes", [25_000, 30_000, 45_000])
def test_whatever_does_not_fit_into_the_memory_is_no_defect(
    source_sandbox: Sandbox, kibibytes: int
) -> None:
    """Modules that the loader cannot map, and threads that cannot be made, included."""
    for arguments in (("daemon", "start"), ("doctor",)):
        result = limited(source_sandbox, f"ulimit -v {kibibytes}", *arguments)
        if result.err:  # on a system where all of it fits, nothing has to be said
            assert_clear(result)
            assert result.code == 71
            assert "memory" in result.err or "threads" in result.err
    assert list(source_sandbox.temp.iterdir()) == []


def test_a_limit_on_the_size_of_files_is_told(source_sandbox: Sandbox) -> None:
    result = limited(source_sandbox, "ulimit -f 8", "daemon", "start")
    assert result.code == 8
    assert_clear(result)
    assert "ulimit -f" in result.err
    assert list(source_sandbox.temp.iterdir()) == []


def descriptors_of(pid: int) -> int:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
        if line.startswith("Max open files")
    )
    return int(line.split()[3])


def test_the_daemon_takes_all_descriptors_that_it_may_have(sandbox: Sandbox) -> None:
    assert limited(sandbox, "ulimit -Sn 64 && ulimit -Hn 4096", "daemon", "start").code == 0
    hard = subprocess.run(["/bin/sh", "-c", "ulimit -Hn"], capture_output=True, check=True).stdout
    found = descriptors_of(sandbox.sealed().settings.pid)
    assert found in (4096, min(int(hard), MOST_DESCRIPTORS))
    assert found > 64


def test_more_connections_than_descriptors_are_ended(sandbox: Sandbox) -> None:
    """Those that are there are served, and files are opened for them; so is who comes later."""
    limit = RESERVED + 16
    assert limited(sandbox, f"ulimit -n {limit}", "daemon", "start").code == 0
    settings = sandbox.sealed().settings
    with ExitStack() as stack:
        first = stack.enter_context(socket.create_connection(("127.0.0.1", settings.port)))
        ended = 0
        for _ in range(3 * limit):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", settings.port)))
            one.settimeout(0.01)
            try:
                ended += one.recv(1) == b""
            except (TimeoutError, ConnectionError):
                continue
        assert ended
        status = sandbox.run("daemon", "status")
        assert status.code == 5, status
        assert f"the daemon (pid {settings.pid}) does not answer" in status.err
        body = b'{"session_id": "s", "source": "startup"}'
        first.sendall(
            b"POST /hooks/SessionStart HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
            b"Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s"
            % (settings.port, settings.token.encode(), len(body), body)
        )
        first.settimeout(60)
        assert b"200 OK" in first.recv(65536)
    wait_until(lambda: sandbox.run("daemon", "status").code == 0, "the daemon to answer again")
    assert sandbox.sealed().settings == settings
    log = sandbox.log_file
    assert "not written" not in log.read_text()


def test_no_more_processes(sandbox: Sandbox, shim: str, fake_claude: FakeClaude) -> None:
    """The daemon cannot be started; a session of one that runs needs no process at all."""
    env = sandbox.environment(
        LD_PRELOAD=shim, CCO_SHIM_NO_FORK="1", CCO_CLAUDE=str(fake_claude.path)
    )
    for arguments in (("daemon", "start"), ("-p", "x")):
        result = sandbox.run(*arguments, env=env)
        assert_clear(result)
        assert os.strerror(11) in result.err
    assert list(sandbox.temp.iterdir()) == []
    sandbox.ok("daemon", "start")
    environ = dict(env, FAKE_EXIT="7")
    del environ["CCO_SHIM_NO_FORK"]
    assert sandbox.run("-p", "x", env=environ).code == 7


def test_without_a_thread_the_history_is_written_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = []

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    async def write() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "run_in_executor", refuse)
        await history._aside(lambda: done.append(1))

    asyncio.run(write())
    assert done == [1]


@pytest.mark.parametrize("kibibytes", [55_000, 65_000, 75_000])
def test_little_memory_leaves_nothing_behind(source_sandbox: Sandbox, kibibytes: int) -> None:
    result = limited(source_sandbox, f"ulimit -v {kibibytes}", "daemon", "start")
    if result.code != 0:
        assert "Traceback" not in result.err
        assert result.err.startswith("cco: error: ")
        wait_until(lambda: not source_sandbox.processes(), "the end of what was started")
        source_sandbox.ok("daemon", "start")
    source_sandbox.ok("daemon", "stop")
    assert list(source_sandbox.temp.iterdir()) == []
