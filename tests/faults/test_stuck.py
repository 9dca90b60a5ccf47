"""A daemon that is there and does not answer, or ends while others start it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cco.sealing import names
from tests.conftest import Result, Sandbox, finish, has_ended, wait_until
from tests.fake_claude import FakeClaude
from tests.faults import forked
from tests.integration.test_daemon_ports import Impostor, stranger

EVENT = b'{"session_id": "s", "source": "startup"}'


def commands(sandbox: Sandbox, env: dict[str, str]) -> dict[str, Result]:
    """Run what people and sessions run, all at once: each of them waits for an answer."""
    arguments = ("daemon status", "daemon start", "sessions", "hook SessionStart", "statusline")
    started = {text: sandbox.start(*text.split(), env=env) for text in arguments}
    found = {}
    for text, process in started.items():
        out, err = process.communicate(EVENT)
        found[text] = Result(process.returncode, out.decode(), err.decode())
    return found


def test_a_suspended_daemon_is_not_taken_for_a_dead_one(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    env, before = sandbox.session_environment(), sandbox.sealed().settings
    os.kill(before.pid, signal.SIGSTOP)
    try:
        found = commands(sandbox, env)
    finally:
        os.kill(before.pid, signal.SIGCONT)
    assert found.pop("statusline") == Result(0, "cco · the daemon does not answer\n", "")
    hook = found.pop("hook SessionStart")
    assert hook.code == 1
    assert len(hook.err.splitlines()) == 1
    for result in found.values():
        assert result.code == 5
        first, advice = result.err.splitlines()
        assert first == f"cco: error: the daemon (pid {before.pid}) does not answer"
        assert "cco daemon restart" in advice
    assert sandbox.ok("daemon", "start").endswith(f"(pid {before.pid})\n")
    assert len(sandbox.daemon_processes()) == 1


def test_a_silent_stranger_on_a_dead_daemons_port_is_no_daemon(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    before = sandbox.sealed().settings
    sandbox.kill_daemon()
    with stranger(port=before.port):
        assert sandbox.run("daemon", "status").code == 3
        sandbox.ok("daemon", "start")
    assert sandbox.sealed().settings.port != before.port


def test_a_session_whose_port_was_lost_is_told(sandbox: Sandbox) -> None:
    """Its http hooks go to whoever has the port now; its commands find the daemon, and say so."""
    sandbox.ok("daemon", "start")
    env, before = sandbox.session_environment(), sandbox.sealed().settings
    sandbox.kill_daemon()
    with Impostor(before.port, b"hello\r\n\r\n"):
        line = sandbox.run("statusline", stdin=EVENT, env=env)
        hook = sandbox.run("hook", "SessionStart", stdin=EVENT, env=env)
    for result in (line, hook):
        assert (result.code, result.err) == (0, "")
        assert "cco --resume" in result.out
    assert "additionalContext" in hook.out
    assert sandbox.sealed().settings.token != before.token


def test_a_port_that_is_stolen_after_the_look_is_passed_over(source_sandbox: Sandbox) -> None:
    """Between the daemon's look at a port and its bind somebody else takes it."""
    sandbox = source_sandbox
    thieves: list[socket.socket] = []

    def steal(step: str) -> None:
        if step == "socket.bind" and not thieves:
            thieves.append(socket.socket())
            thieves[0].bind(("127.0.0.1", sandbox.port))
            thieves[0].listen()

    with forked.serving(sandbox, steal) as pid:
        settings = sandbox.sealed().settings
        assert sandbox.port < settings.port <= sandbox.port + 100
        assert sandbox.request("GET", "/health", token=False).status == 200
        assert forked.end(pid) == 0


# --- at once ---


def test_many_restarts_at_once_keep_the_sessions(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart", source="startup", cwd="/project")
    before = sandbox.sealed().settings
    ends = finish(*(sandbox.start("daemon", "restart") for _ in range(5)))
    assert [(one.code, one.err) for one in ends] == [(0, "")] * 5
    after = sandbox.sealed().settings
    assert (after.port, after.token) == (before.port, before.token)
    assert [one.pid for one in sandbox.daemon_processes()] == [after.pid]
    assert sandbox.request("GET", "/api/v1/sessions/s").json()["project"] == "/project"


def test_launches_amid_restarts_all_get_the_daemon(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    before = sandbox.sealed().settings
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    restarts = [sandbox.start("daemon", "restart") for _ in range(3)]
    launches = [sandbox.start("-p", "x", env=env) for _ in range(6)]
    ends = finish(*restarts, *launches)
    assert [(one.code, one.err) for one in ends] == [(0, "")] * 9
    tokens = {start.environ["CCO_TOKEN"] for start in fake_claude.starts()}
    assert tokens == {before.token}
    assert len(sandbox.daemon_processes()) == 1


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_while_it_cleans_up_changes_nothing(source_sandbox: Sandbox, name: str) -> None:
    def hook(label: str) -> None:
        if label == f"os.remove {names.SETTINGS}":
            os.kill(os.getpid(), getattr(signal, name))

    with forked.serving(source_sandbox, hook) as pid:
        assert forked.end(pid) == 0
    assert list(source_sandbox.temp.iterdir()) == []


def held_at(step: str) -> Callable[[str], None]:
    """Hold the process just before a step, until somebody lets it go on."""

    def hook(label: str) -> None:
        if label == step:
            os.kill(os.getpid(), signal.SIGSTOP)

    return hook


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="steps are Linux's")
@pytest.mark.parametrize(
    "step",
    [f"os.truncate {names.DAEMON_LOCK}", "socket.bind", f"os.rename {names.SETTINGS}.*.tmp"],
    ids=["it has the lock", "it takes its port", "its settings are not yet there"],
)
def test_a_stop_while_it_starts(source_sandbox: Sandbox, step: str) -> None:
    """Who stops it waits until it can be told to, and ends nobody in the place of a dead one."""
    sandbox = source_sandbox
    with subprocess.Popen(["sleep", "600"]) as bystander:
        # a killed daemon left its id in the lock, and somebody else has that id now
        (sandbox.temp / names.DAEMON_LOCK).write_text(f"{bystander.pid:<10}")
        pid = forked.start(sandbox, forked.daemon(), held_at(step))
        try:
            wait_until(lambda: psutil.Process(pid).status() == "stopped", "the daemon to be held")
            stop = sandbox.start("daemon", "stop")
            wait_until(
                lambda: stop.poll() is not None or "psutil" in psutil_maps(stop.pid),
                "the stop to look for the daemon",
            )
            os.kill(pid, signal.SIGCONT)
            out, err = stop.communicate()
            assert (stop.returncode, out, err) == (0, b"the daemon is stopped\n", b"")
            assert has_ended(pid)
            assert list(sandbox.temp.iterdir()) == []
            assert bystander.poll() is None
        finally:
            bystander.kill()
            if not has_ended(pid):
                os.kill(pid, signal.SIGKILL)
            forked.wait(pid)


def psutil_maps(pid: int) -> str:
    """What a process has mapped: it loads psutil to look for another."""
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""
