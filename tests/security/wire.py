"""Bytes to the daemon as they are, and everything that comes back."""

from __future__ import annotations

import re
import socket
from contextlib import suppress

from cco.sealing.sealed_set import Settings

_QUIET_S = 2.0
"""After that nothing more comes: the daemon waits for the rest of a request."""
_CHALLENGE = "00" * 16


def converse(settings: Settings, data: bytes) -> bytes:
    """Send bytes and read what is answered to them.

    What follows them is a request that ends the connection: if they were divided into requests as
    they should be, it is answered as well, and its answer is left out here.
    """
    last = request(settings, f"GET /health?challenge={_CHALLENGE} HTTP/1.1", "Connection: close")
    answer = b""
    with (
        socket.create_connection(("127.0.0.1", settings.port), timeout=_QUIET_S) as connection,
        suppress(OSError),
    ):
        connection.sendall(data + last)
        while piece := connection.recv(65536):
            answer += piece
    before, separator, end = answer.rpartition(b"HTTP/1.1 200 OK\r\n")
    return before if separator and b'"proof"' in end else answer


def statuses(answer: bytes) -> list[int]:
    """The status of every answer in what came back."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def request(
    settings: Settings,
    first: str,
    *lines: str,
    body: bytes = b"",
    token: bool = False,
    host: str | None = "127.0.0.1:{port}",
) -> bytes:
    """One request, as odd as its parts are."""
    head = [first]
    if host is not None:
        head.append(f"Host: {host}".format(port=settings.port))
    if token:
        head.append(f"Authorization: Bearer {settings.token}")
    return "\r\n".join([*head, *lines, "", ""]).encode("latin-1") + body
