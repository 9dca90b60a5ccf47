"""What listens on the daemon's port may be anybody: any answer is read or refused, and no proof."""

from __future__ import annotations

import hmac
import json
from typing import Any, cast

from hypothesis import example, given
from hypothesis import strategies as st

from cco.daemon.client import Connection, Response
from cco.daemon.rendezvous import _document
from cco.errors import CcoError, DaemonError
from tests.fuzz.in_process import TOKEN
from tests.vectors.drawn import JSON_VALUES


class Listener:
    """A socket on whose other end somebody answers with these pieces, then hangs up."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = iter(pieces)

    def settimeout(self, seconds: float) -> None:
        """Nothing here takes long."""

    def sendall(self, data: bytes) -> None:
        """Nobody listens."""

    def recv(self, size: int) -> bytes:
        return next(self.pieces, b"")


def connection_to(pieces: list[bytes]) -> Connection:
    connection = cast(Any, Connection.__new__(Connection))
    connection.port, connection._timeout_s, connection._deadline = 3000, 5.0, 0.0
    connection._socket, connection._buffer = Listener(pieces), b""
    return cast(Connection, connection)


HEADS = st.sampled_from(
    [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200\r\n", b"HTTP/1.1\r\n", b"HTTP/1.1  OK\r\n", b"\r\n",
     b"HTTP/1.1 -1 x\r\n", b"HTTP/1.1 2_0 x\r\n", b"HTTP/1.1 \xb2 x\r\n", b"SSH-2.0-x\r\n"]
)  # fmt: skip
LINES = st.sampled_from(
    [b"Content-Length: 5\r\n", b"content-length: -5\r\n", b"Content-Length: 1e9\r\n", b":\r\n",
     b"Content-Length: 99999999999\r\n", b"Content-Length: \xb2\r\n", b"Transfer-Encoding: x\r\n",
     b"Content-Length: 0\r\n", b"Content-Type: \xff\r\n", b"\0\r\n"]
)  # fmt: skip
ANSWERS = st.one_of(
    st.lists(st.binary(max_size=60), max_size=4),
    st.builds(
        lambda head, lines, rest: [head + b"".join(lines) + b"\r\n", rest],
        HEADS,
        st.lists(LINES, max_size=3),
        st.binary(max_size=20),
    ),
)


@given(ANSWERS)
@example([b"x" * 70_000])
@example([b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n"])
def test_any_answer_is_read_or_refused(pieces: list[bytes]) -> None:
    try:
        response = connection_to(pieces).request("GET", "/health")
    except DaemonError as error:
        assert "did not answer" in str(error)
        return
    assert len(response.body) <= sum(map(len, pieces))
    assert 100 <= response.status <= 599


@given(ANSWERS, st.text(max_size=20))
def test_no_answer_proves_anything_without_the_token(pieces: list[bytes], token: str) -> None:
    try:
        assert not connection_to(pieces).prove(token)
    except DaemonError:
        return


def test_an_answer_in_any_pieces_is_the_same() -> None:
    body = json.dumps({"proof": hmac.new(TOKEN.encode(), b"x", "sha256").hexdigest()}).encode()
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )
    for size in range(1, len(whole), 7):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        response = connection_to(pieces).request("GET", "/")
        assert (response.status, response.content_type, response.body) == (200, "a", body)


@given(st.integers(100, 599), st.binary(max_size=30) | JSON_VALUES)
@example(404, [])
@example(500, b"[" * 100_000)
def test_any_document_is_returned_or_an_error_of_ours(status: int, told: Any) -> None:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    try:
        document = _document(Response(status, "application/json", body))
    except CcoError as error:
        assert str(error)
        return
    assert status < 400
    assert document == json.loads(body)
