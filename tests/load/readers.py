"""Many readers of the event stream in a process of their own, half of which never read."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.synchronize import Event

from tests.conftest import Sandbox

_STALLED_WINDOW_BYTES = 2048
_PIECE_BYTES = 1 << 16
_LOOK_S = 0.1


@contextmanager
def reading(place: Sandbox, number: int) -> Iterator[None]:
    """Have so many readers connected to a daemon's events; every second one is stalled."""
    if number == 0:
        yield
        return
    settings = place.sealed().settings
    context = get_context("spawn")
    connected, over = context.Event(), context.Event()
    arguments = (settings.port, settings.token, number, connected, over)
    process = context.Process(target=_read, args=arguments, daemon=True)
    process.start()
    assert connected.wait(30), "the readers never connected"
    try:
        yield
    finally:
        over.set()
        process.join()


def _read(port: int, token: str, number: int, connected: Event, over: Event) -> None:
    connections = [_connect(port, token, stalled=index % 2 == 1) for index in range(number)]
    with selectors.DefaultSelector() as selector:
        for connection in connections[::2]:
            selector.register(connection, selectors.EVENT_READ)
        connected.set()
        while not over.is_set():
            for key, _ in selector.select(_LOOK_S):
                if not key.fileobj.recv(_PIECE_BYTES):  # type: ignore[union-attr]
                    selector.unregister(key.fileobj)
    for connection in connections:
        connection.close()


def _connect(port: int, token: str, *, stalled: bool) -> socket.socket:
    connection = socket.socket()
    if stalled:  # the kernel keeps little for a reader that does not read
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _STALLED_WINDOW_BYTES)
    connection.connect(("127.0.0.1", port))
    lines = (
        "GET /api/v1/events HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Bearer {token}",
    )
    connection.sendall("\r\n".join((*lines, "", "")).encode())
    answer = connection.recv(64)
    assert b" 200 " in answer, answer
    return connection
