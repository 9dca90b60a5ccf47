"""The port of a daemon that is gone: kept for its account as long as a session lives.

Claude Code's http hooks believe whoever answers, and an answer may rewrite a command and allow it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from cco.daemon import sockets
from cco.daemon.port_guard import hold_port
from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.errors import PortTaken
from tests.conftest import Sandbox, free_port, wait_until
from tests.e2e.conftest import MakeStage, one_stage
from tests.fake_claude import FakeClaude
from tests.security.conftest import ATTACKER, OWNER, SharedMachine, as_account, needs_root

__all__ = ["one_stage"]
pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has such sockets"),
    needs_root,
]
OPTIONS: list[list[int]] = [[], [socket.SO_REUSEADDR], [socket.SO_REUSEPORT]]
OPTIONS.append([socket.SO_REUSEADDR, socket.SO_REUSEPORT])


def takes(port: int) -> list[str]:
    """In which ways this account can listen on a port."""
    ways = []
    for host in ("127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1", "::1"):
        for options in OPTIONS:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family) as listener, suppress(OSError):
                for option in options:
                    listener.setsockopt(socket.SOL_SOCKET, option, 1)
                listener.bind((host, port))
                listener.listen()
                ways.append(f"{host} {options}")
    return ways


def stop(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "stop")


@contextmanager
def session(machine: SharedMachine) -> Iterator[subprocess.Popen[bytes]]:
    """A session that lives until the block ends."""
    fake = FakeClaude(machine.home / "fake")
    for path in (fake.folder, *fake.folder.iterdir()):
        os.chown(path, OWNER, OWNER)
    env = machine.environment(CCO_CLAUDE=str(fake.path), FAKE_GATE="1")
    process = machine.start("-p", "x", env=env)
    try:
        wait_until(fake.starts, "the session's start")
        yield process
        fake.open_gate()
        process.communicate()
    finally:
        process.kill()
        process.communicate()


def test_a_session_keeps_its_port_from_others(machine: SharedMachine) -> None:
    with session(machine):
        before = machine.sealed().settings
        machine.kill_daemon()
        assert as_account(ATTACKER, lambda: takes(before.port)) == []
        machine.ok("daemon", "start")
        after = machine.sealed().settings
        assert (after.port, after.token) == (before.port, before.token)
        machine.ok("daemon", "restart")
        assert machine.sealed().settings.port == before.port
        stop(machine)
        assert as_account(ATTACKER, lambda: takes(before.port)) == []
        machine.ok("daemon", "start")
        assert machine.sealed().settings.port == before.port
        stop(machine)
    assert as_account(ATTACKER, lambda: takes(before.port))  # nothing is left of it


def test_a_guard_keeps_no_daemon_of_the_accounts_own_out_and_two_share_no_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = free_port()
    guards = hold_port(port)
    assert guards
    try:
        monkeypatch.setattr(sockets, "_answers", lambda *_: False)  # both looked at once
        first = sockets.bind(port)
        with pytest.raises(PortTaken):
            sockets.bind(port)
        again = hold_port(port)
        assert len(again) == len(guards)
        for one in again:
            os.close(one)
        for opened in first:
            opened.close()
        assert as_account(ATTACKER, lambda: takes(port)) == []
    finally:
        for one in guards:
            os.close(one)


def test_a_port_that_is_another_accounts_is_not_guarded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        held = hold_port(theirs.getsockname()[1])
        families = []
        for one in held:
            with socket.socket(fileno=one) as guard:
                families.append(guard.family)
    assert socket.AF_INET not in families


def test_who_takes_a_hundred_ports_keeps_no_daemon_from_starting() -> None:
    preferred = free_port()
    taken = []
    for port in range(preferred, min(preferred + 100, 65536)):
        with suppress(OSError):
            taken.append(socket.create_server(("127.0.0.1", port)))
    try:
        found = sockets.bind_first_free(preferred)
    finally:
        for one in taken:
            one.close()
    assert found[0].getsockname()[1] not in range(preferred, preferred + 100)
    for one in found:
        one.close()


@pytest.mark.parametrize("end", [Sandbox.kill_daemon, stop])
def test_no_other_account_gets_the_events_of_a_real_session(
    one_stage: MakeStage, end: Callable[[Sandbox], None]
) -> None:
    """What it is worth to have the port: without the guard the command below is the attacker's."""
    taken: list[list[str]] = []

    def script(request: ModelRequest) -> Sequence[Block]:
        if request.tool_results() or "tools" not in request.body:
            return [text("Done.")]
        port = scene.sandbox.sealed().settings.port
        end(scene.sandbox)
        taken.append(as_account(ATTACKER, lambda: takes(port)))
        return [tool_use("Bash", {"command": "echo as it was asked", "description": "Say"})]

    scene = one_stage(script)
    scene.ask("-p", "Say something.", "--allowedTools", "Bash(echo:*)")
    assert taken == [[]]
    assert scene.requests[-1].tool_results() == ["as it was asked"]
