"""Somebody without a token who takes as much as there is: the daemon stays usable for its owner."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import psutil
import pytest

from cco.daemon.strangers import MAX_STRANGERS
from cco.sealing.sealed_set import Settings
from tests.conftest import SOURCE, Sandbox, wait_until
from tests.security.wire import request

CROWD = MAX_STRANGERS + 300
DAEMONS_FILES = MAX_STRANGERS + 150
"""So few that the crowd would take all of them."""


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A daemon that may have few files open."""
    shell = f'ulimit -n {DAEMONS_FILES} && exec "$0" "$@"'
    command = ("/bin/sh", "-c", shell, *SOURCE)
    place = Sandbox(tmp_path_factory.mktemp("tight") / "box", command, frozen=False)
    place.ok("daemon", "start")
    yield place
    place.close()


@pytest.fixture
def settings(tight: Sandbox) -> Settings:
    return tight.sealed().settings


@contextmanager
def crowd(settings: Settings, opening: bytes) -> Iterator[list[socket.socket]]:
    """Many connections, each of which has sent the same."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CROWD + 200:
        pytest.skip(f"this test needs {CROWD} connections, and may have {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, CROWD + 200), hard))
    try:
        with ExitStack() as stack:
            connections = []
            for _ in range(CROWD):
                one = stack.enter_context(socket.create_connection(("127.0.0.1", settings.port)))
                with suppress(OSError):
                    one.sendall(opening)
                connections.append(one)
            yield connections
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def assert_usable(place: Sandbox) -> None:
    """The owner's commands, events and figures work; a very busy machine may need a second try."""
    wait_until(lambda: place.run("daemon", "status").code == 0, "an answer to a command")
    assert "hookSpecificOutput" in place.hook("SessionStart").json()
    assert place.request("GET", "/api/v1/usage").status == 200
    wait_until(lambda: place.run("sessions").code == 0, "the figures")


def open_files(settings: Settings) -> int:
    return psutil.Process(settings.pid).num_fds()


OPENINGS = {
    "nothing": b"",
    "the beginning of a head": b"POST /hooks/Stop HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    "a body that never comes": b"POST /hooks/Stop HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    b"Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n{",
    "a chunk that never ends": b"POST /hooks/Stop HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n{",
    "many requests": b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n" * 5,
}


@pytest.mark.parametrize("kind", OPENINGS)
def test_a_crowd_of_strangers_keeps_the_owner_from_nothing(
    tight: Sandbox, settings: Settings, kind: str
) -> None:
    opening = OPENINGS[kind].replace(b"{port}", str(settings.port).encode())
    with crowd(settings, opening) as connections:
        assert_usable(tight)
        assert open_files(settings) < DAEMONS_FILES
        for one in connections[-10:]:  # slowly on
            with suppress(OSError):
                one.sendall(b"a")
        assert tight.hook("PreToolUse", tool_name="Bash").status == 200


def test_who_came_first_makes_room_and_not_the_owner(tight: Sandbox, settings: Settings) -> None:
    address = ("127.0.0.1", settings.port)
    with (
        socket.create_connection(address, timeout=30) as owner,
        socket.create_connection(address, timeout=30) as stream,
        socket.create_connection(address, timeout=30) as stranger,
    ):
        asking = request(settings, "GET /api/v1/usage HTTP/1.1", token=True)
        owner.sendall(asking)
        assert owner.recv(65536).startswith(b"HTTP/1.1 200 ")
        stream.sendall(request(settings, "GET /api/v1/events HTTP/1.1", token=True))
        assert stream.recv(65536).startswith(b"HTTP/1.1 200 ")
        stranger.sendall(request(settings, "GET /health HTTP/1.1"))
        assert stranger.recv(65536).startswith(b"HTTP/1.1 200 ")
        with crowd(settings, b""):
            assert stranger.recv(65536) == b""
            owner.sendall(asking)
            assert owner.recv(65536).startswith(b"HTTP/1.1 200 ")
            tight.hook("SessionStart", "seen-live")
            told = b""
            while b"seen-live" not in told:
                piece = stream.recv(65536)
                assert piece, "the stream was ended"
                told += piece


def test_an_endless_head_is_cut_off(settings: Settings) -> None:
    before = psutil.Process(settings.pid).memory_info().rss
    with socket.create_connection(("127.0.0.1", settings.port), timeout=30) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        sent = 0
        with suppress(ConnectionError):
            while sent < 64 << 20:
                connection.sendall(b"X-Endless: " + b"y" * 65_000 + b"\r\n")
                sent += 65_000
        assert sent < 64 << 20
    assert psutil.Process(settings.pid).memory_info().rss - before < 64 << 20


_FLOOD = """
import socket, sys, time
print("flooding", flush=True)
while True:
    try:
        with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) as one:
            one.sendall(b"GET /api/v1/usage HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n")
    except OSError:
        time.sleep(0.001)
"""


def test_a_flood_does_not_keep_the_owner_out(tight: Sandbox, settings: Settings) -> None:
    floods = [
        subprocess.Popen(
            [sys.executable, "-I", "-c", _FLOOD, str(settings.port)], stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    try:
        for flood in floods:
            assert flood.stdout is not None
            flood.stdout.readline()
        began = time.monotonic()
        while time.monotonic() - began < 1:
            assert tight.hook("PreToolUse", tool_name="Bash").status == 200
        assert_usable(tight)
        assert all(flood.poll() is None for flood in floods)
    finally:
        for flood in floods:
            flood.kill()
            flood.communicate()


def test_a_stopped_reader_costs_nothing(tight: Sandbox, settings: Settings) -> None:
    """Asks for much again and again and reads none of it."""
    with socket.create_connection(("127.0.0.1", settings.port), timeout=30) as connection:
        connection.setblocking(False)
        page = request(settings, "GET /web/vendor/uPlot.iife.min.js HTTP/1.1")
        with suppress(OSError):
            while True:
                connection.send(page * 20)
        assert_usable(tight)
        assert psutil.Process(settings.pid).memory_info().rss < 300 << 20


def test_a_daemon_that_is_full_still_ends(tight: Sandbox, settings: Settings) -> None:
    with crowd(settings, b""):
        os.kill(settings.pid, signal.SIGTERM)
        psutil.wait_procs([psutil.Process(settings.pid)], timeout=30)
    assert tight.leftovers() == []
