"""Talk to the daemon over one raw socket.

This is on the path of every hook and status line, where `http.client` alone would cost more than
the whole call: it knows just the HTTP that the daemon speaks. For the same reason it uses the C
module under `socket`, whose enumerations take longer to make than the call, and gets by without
dataclasses and typing.
"""

from __future__ import annotations

import _socket
import os
import time

from cco.errors import DaemonError, DaemonNotRunning, DaemonUnresponsive

MAX_RESPONSE_BYTES = 64 * 1024 * 1024
_MAX_HEAD_BYTES = 64 * 1024
_CHALLENGE_BYTES = 32
_MAX_HEALTH_BYTES = 4096
"""Nobody gets to guess often."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self


class Response:
    """Status, content type, date and body of an answer."""

    __slots__ = ("body", "content_type", "date", "status")

    def __init__(self, status: int, content_type: str, body: bytes, date: str = "") -> None:
        self.status = status
        self.content_type = content_type
        self.body = body
        self.date = date


class Connection:
    """A kept-alive connection to a port on 127.0.0.1.

    Raises: DaemonNotRunning where nothing listens, DaemonUnresponsive where what listens takes no
    connection.
    """

    def __init__(self, port: int, *, timeout_s: float = 5.0) -> None:
        self.port = port
        self._socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        self._timeout_s = timeout_s
        self._deadline = 0.0
        self._buffer = b""
        try:
            self._socket.connect(("127.0.0.1", port))
            self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        except OSError as error:
            self._socket.close()
            if isinstance(error, TimeoutError):
                raise DaemonUnresponsive(f"port {port} takes no connection") from None
            reason = error.strerror or error
            raise DaemonNotRunning(f"nothing answers on port {port}: {reason}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def prove(self, token: str) -> bool:
        """Ask whoever listens to prove that it knows the token, without showing it the token."""
        import hmac

        if not token or not token.isascii():  # anybody could prove to know an empty one
            return False
        challenge = os.urandom(_CHALLENGE_BYTES)
        response = self.request("GET", f"/health?challenge={challenge.hex()}")
        told = b'"proof": "%s"' % hmac.new(token.encode(), challenge, "sha256").hexdigest().encode()
        return (
            response.status == 200
            and len(response.body) < _MAX_HEALTH_BYTES
            and told in response.body
        )

    def request(
        self,
        method: str,
        target: str,
        *,
        token: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request and read its whole answer, within the time-out even if it drips.

        Raises: DaemonUnresponsive, DaemonError.
        """
        head = f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        if token is not None:
            head += f"Authorization: Bearer {token}\r\n"
        for name, value in (headers or {}).items():
            head += f"{name}: {value}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._deadline = time.monotonic() + self._timeout_s
        try:
            self._socket.sendall(f"{head}\r\n".encode() + (body or b""))
            return self._read()
        except (TimeoutError, ConnectionError):
            raise DaemonUnresponsive(f"the daemon on port {self.port} did not answer") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DaemonError(f"the daemon on port {self.port} did not answer: {reason}") from None

    def _read(self) -> Response:
        head, _, self._buffer = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        try:
            status = int(first.split(" ", 2)[1])
            length = int(headers.get("content-length", "0"))
        except (ValueError, IndexError):
            raise ValueError("the answer is not HTTP") from None
        if not 100 <= status <= 599 or length < 0:
            raise ValueError("the answer is not HTTP")
        if length > MAX_RESPONSE_BYTES:
            raise ValueError("the answer is too large")
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        date = headers.get("date", "")
        return Response(status, headers.get("content-type", ""), body, date)

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            if len(self._buffer) > _MAX_HEAD_BYTES:
                raise ValueError("the answer is not HTTP")
            self._receive()
        return self._buffer

    def _receive(self) -> None:
        self._socket.settimeout(max(self._deadline - time.monotonic(), 0.001))
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the connection ended early")
        self._buffer += data


def is_alive(port: int, token: str, *, timeout_s: float = 2.0) -> bool:
    """Whether the daemon that holds this token answers on a port.

    Raises: DaemonUnresponsive, where somebody listens and says nothing.
    """
    try:
        with Connection(port, timeout_s=timeout_s) as connection:
            return connection.prove(token)
    except DaemonUnresponsive:
        raise
    except DaemonError:
        return False
