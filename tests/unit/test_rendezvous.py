"""Whether the daemon that the sealed settings name is there."""

from __future__ import annotations

import hmac
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from cco.catalogue.model import COMPACTION_TEXTS
from cco.daemon.rendezvous import find_alive
from cco.errors import DaemonNotRunning, DaemonUnresponsive
from cco.sealing import names
from cco.sealing.keys import Identity
from cco.sealing.locks import Lock
from cco.sealing.sealed_set import write_set

ANA = Identity("machine", "ana", b"s" * 32)
TOKEN = "a-token"
MEMBERS: dict[str, dict[str, Any]] = {
    names.AGENTS: {"agents": []},
    names.RULES: {"rules": ""},
    names.HOOKS: dict.fromkeys(COMPACTION_TEXTS, ""),
}


def answer(connection: socket.socket) -> None:
    """Prove to know the token."""
    _, _, rest = connection.recv(4096).partition(b"challenge=")
    challenge = bytes.fromhex(rest.partition(b" ")[0].decode())
    proof = hmac.new(TOKEN.encode(), challenge, "sha256").hexdigest()
    body = b'{"proof": "%s"}' % proof.encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


@contextmanager
def listening(folder: Path, connections_ended: int) -> Iterator[None]:
    """What ends so many connections before it answers one, named by sealed settings."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings = {
            "api_url": f"http://localhost:{port}",
            "port": port,
            "pid": os.getpid(),
            "token": TOKEN,
            "version": "0",
            "created_at": "2026-01-01T00:00:00+00:00",
            "roster": [],
            "policy": {},
        }
        write_set(folder, ANA, settings, MEMBERS)

        def serve() -> None:
            with suppress(OSError):  # as it is shut
                for number in range(connections_ended + 1):
                    connection, _ = listener.accept()
                    with connection:
                        if number == connections_ended:
                            answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_daemon_that_ends_a_connection_is_asked_again(folder: Path) -> None:
    with listening(folder, 3), Lock(folder / names.DAEMON_LOCK) as lock:
        assert lock.acquire()
        assert find_alive(ANA).settings.token == TOKEN


def test_one_that_ends_every_connection_does_not_answer(folder: Path) -> None:
    with listening(folder, 1_000), Lock(folder / names.DAEMON_LOCK) as lock:
        assert lock.acquire()
        with pytest.raises(DaemonUnresponsive, match="does not answer"):
            find_alive(ANA, patience_s=0.1)


def test_a_stranger_on_a_dead_daemons_port_is_asked_once(folder: Path) -> None:
    with listening(folder, 1), pytest.raises(DaemonNotRunning):
        find_alive(ANA)
