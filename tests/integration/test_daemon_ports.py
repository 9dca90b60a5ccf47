"""Which port the daemon serves on, and what happens when somebody else has it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.conftest import Sandbox, free_port, wait_until


@contextmanager
def stranger(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Somebody who listens on a port: this very process."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            pytest.skip(f"{host} cannot be listened on here")
        listener.listen()
        yield listener.getsockname()[1]


class Impostor:
    """A server that answers everything with the same bytes and keeps what it was sent."""

    def __init__(self, port: int, answer: bytes) -> None:
        self.heard = b""
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                data = connection.recv(65536)
                if data == b"enough":
                    return
                self.heard += data
                if data:
                    connection.sendall(self._answer)

    def __enter__(self) -> Impostor:
        return self

    def __exit__(self, *_: object) -> None:
        with socket.create_connection(self._listener.getsockname()) as connection:
            connection.sendall(b"enough")
        self._thread.join()
        self._listener.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_port_that_was_asked_for_and_is_taken_names_its_owner(
    source_sandbox: Sandbox, host: str
) -> None:
    with stranger(host) as port:
        result = source_sandbox.run("daemon", "start", "--port", str(port))
    assert result.code == 4
    assert result.out == ""
    assert f"port {port} is taken by " in result.err
    assert f"(pid {os.getpid()})" in result.err
    assert "--port" in result.err.splitlines()[1]
    assert source_sandbox.leftovers() == []


def test_the_frozen_program_names_the_owner_too(sandbox: Sandbox) -> None:
    with stranger() as port:
        result = sandbox.run("daemon", "start", "--port", str(port))
    assert result.code == 4
    assert f"(pid {os.getpid()})" in result.err
    assert not list(sandbox.temp.iterdir())


def test_an_automatic_start_moves_on_and_says_so(sandbox: Sandbox) -> None:
    with stranger() as port:
        result = sandbox.run("daemon", "start", env=sandbox.environment(CCO_PORT=str(port)))
        assert result.code == 0, result
        settings = sandbox.sealed().settings
        assert port < settings.port <= port + 100
        assert result.err == f"cco: port {port} is not free; the daemon uses {settings.port}\n"
        assert f"port {settings.port} " in result.out


def test_a_port_that_is_kept_needs_no_word(source_sandbox: Sandbox) -> None:
    """After a crash the daemon comes back where its sessions look for it, free port or not."""
    sandbox = source_sandbox
    with stranger(port=sandbox.port):
        assert "is not free" in sandbox.run("daemon", "start").err
    port = sandbox.sealed().settings.port
    sandbox.kill_daemon()
    again = sandbox.run("daemon", "start")
    assert (again.code, again.err) == (0, "")
    assert sandbox.sealed().settings.port == port


def test_the_foreground_moves_on_and_says_so(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    with stranger() as port:
        env = sandbox.environment(CCO_PORT=str(port))
        process = sandbox.start("daemon", "run", env=env)
        try:
            wait_until(lambda: sandbox.run("daemon", "status").code == 0, "the daemon's start")
            sandbox.ok("daemon", "stop")
            _, err = process.communicate()
        finally:
            process.kill()
            process.communicate()
    assert err.startswith(f"cco: port {port} is not free".encode())


def test_a_port_that_was_asked_for_is_used(sandbox: Sandbox) -> None:
    port = free_port()
    sandbox.ok("daemon", "start", "--port", str(port))
    assert sandbox.sealed().settings.port == port
    sandbox.ok("daemon", "start", "--port", str(port))


def test_another_port_than_the_running_one_is_an_error_with_a_way_out(
    source_sandbox: Sandbox,
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    before, other = sandbox.sealed().settings, free_port()
    result = sandbox.run("daemon", "start", "--port", str(other))
    assert result.code == 5
    assert f"already runs on port {before.port}" in result.err
    assert f"cco daemon restart --port {other}" in result.err
    assert sandbox.sealed().settings == before
    sandbox.ok("daemon", "restart", "--port", str(other))
    after = sandbox.sealed().settings
    assert after.port == other
    assert after.token != before.token


def test_a_restart_onto_a_taken_port_leaves_nothing_behind(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    with stranger() as port:
        assert sandbox.run("daemon", "restart", "--port", str(port)).code == 4
    assert not list(sandbox.temp.iterdir())


@pytest.mark.parametrize("port", ["0", "-1", "65536", "3000x", ""])
def test_a_port_that_is_none_is_a_usage_error(source_sandbox: Sandbox, port: str) -> None:
    result = source_sandbox.run("daemon", "start", "--port", port)
    assert result.code == 2
    assert "--port" in result.err
    assert source_sandbox.leftovers() == []


@pytest.mark.parametrize(
    "port",
    ["0", "65536", "http", "9" * 5000, "3000 4000"],
    ids=["zero", "large", "word", "huge", "two"],
)
def test_a_preferred_port_that_is_none_is_a_config_error(
    source_sandbox: Sandbox, port: str
) -> None:
    result = source_sandbox.run("daemon", "start", env=source_sandbox.environment(CCO_PORT=port))
    assert result.code == 10
    assert result.err.startswith("cco: error: CCO_PORT: port must be a number from 1 to 65535")
    assert source_sandbox.leftovers() == []


def test_it_listens_on_loopback_only(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    settings = sandbox.sealed().settings
    process = psutil.Process(settings.pid)
    listening = [
        connection.laddr
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in listening} <= {"127.0.0.1", "::1"}
    assert {address.port for address in listening} == {settings.port}


def test_a_port_lost_to_a_stranger_is_left_to_it(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    before = sandbox.sealed().settings
    sandbox.kill_daemon()
    with stranger(port=before.port):
        result = sandbox.run("daemon", "start")
        assert result.code == 0, result
        after = sandbox.sealed().settings
        assert after.port != before.port
        assert after.token != before.token
        assert f"the daemon uses {after.port}" in result.err


@pytest.mark.parametrize(
    "answer",
    [b"hello\r\n\r\n", b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"proof": "00"}'],
    ids=["no HTTP", "wrong proof"],
)
def test_a_stranger_on_the_daemons_port_is_not_believed(
    source_sandbox: Sandbox, answer: bytes
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    settings = sandbox.sealed().settings
    sandbox.kill_daemon()
    with Impostor(settings.port, answer) as impostor:
        status = sandbox.run("daemon", "status")
        env = sandbox.session_environment(settings)
        hook = sandbox.run("hook", "SessionStart", stdin=b'{"session_id": "s"}', env=env)
    assert status.code == 3, status
    assert "not running" in status.err
    assert hook.code == 0, hook  # a new daemon was brought up, on another port
    assert sandbox.sealed().settings.port != settings.port
    assert b"challenge=" in impostor.heard
    assert settings.token.encode() not in impostor.heard
