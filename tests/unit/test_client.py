"""The client on the hot path: whatever answers on a port, it is believed only with a proof."""

from __future__ import annotations

import hashlib
import hmac
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from cco.daemon.client import MAX_RESPONSE_BYTES, Connection, is_alive
from cco.errors import DaemonError, DaemonNotRunning, DaemonUnresponsive
from tests.conftest import free_port

TOKEN = "the token"
Answer = Callable[[bytes], bytes]


@contextmanager
def server(answer: Answer) -> Iterator[int]:
    """Answer the requests of one connection, then close it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(ConnectionError):  # who has heard enough may hang up
                while reply := answer(connection.recv(65536)):
                    connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join()


def http(body: bytes, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def proof(token: str) -> Answer:
    def answer(request: bytes) -> bytes:
        if not request:
            return b""
        challenge = request.split(b"challenge=")[1].split(b" ")[0].decode()
        found = hmac.new(token.encode(), bytes.fromhex(challenge), hashlib.sha256).hexdigest()
        return http(b'{"proof": "%s"}' % found.encode())

    return answer


def test_a_proof_is_believed() -> None:
    with server(proof(TOKEN)) as port:
        assert is_alive(port, TOKEN)


def test_a_proof_of_another_token_is_not() -> None:
    with server(proof("another")) as port:
        assert not is_alive(port, TOKEN)


def test_a_proof_of_an_empty_token_is_not_since_anybody_has_one() -> None:
    with server(proof("")) as port:
        assert not is_alive(port, "")


def test_a_proof_with_an_error_status_is_not() -> None:
    def answer(request: bytes) -> bytes:
        return proof(TOKEN)(request).replace(b"200 OK", b"500 No")

    with server(answer) as port:
        assert not is_alive(port, TOKEN)


def test_every_challenge_is_new_and_the_token_stays_here() -> None:
    heard: list[bytes] = []

    def answer(request: bytes) -> bytes:
        heard.append(request)
        return request and http(b"{}")

    with server(answer) as port, Connection(port) as connection:
        assert not connection.prove(TOKEN)
        assert not connection.prove(TOKEN)
    assert len(set(heard) - {b""}) == 2
    assert TOKEN.encode() not in b"".join(heard)


@pytest.mark.parametrize(
    "reply",
    [
        b"\r\n\r\n",
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_RESPONSE_BYTES + 1),
        b"\xff" * 200_000,
        http(b""),
        http(b"null"),
        http(b"[]"),
        http(b"{}"),
        http(b"5"),
        http(b"\xff"),
        http(b'{"proof": null}'),
        http(b'{"proof": ["x"]}'),
        http('{"proof": "größe"}'.encode()),
        http(b'{"proof": "\\ud800"}'),
        http(b'{"proof": ""}'),
        http(b"[" * 100_000),
    ],
    ids=range(22),
)
def test_anything_else_is_not_the_daemon(reply: bytes) -> None:
    with server(lambda request: request and reply) as port:
        assert not is_alive(port, TOKEN)


def test_who_says_nothing_may_be_the_daemon() -> None:
    """One that is suspended takes connections, and one with too many of them ends them."""
    with server(lambda request: b"") as port, pytest.raises(DaemonUnresponsive):
        is_alive(port, TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DaemonUnresponsive):
        is_alive(silent.getsockname()[1], TOKEN, timeout_s=0.1)


def test_nobody_listens() -> None:
    port = free_port()
    assert not is_alive(port, TOKEN)
    with pytest.raises(DaemonNotRunning):
        Connection(port)


def test_an_answer_may_come_in_pieces_and_the_connection_stays() -> None:
    def answer(request: bytes) -> bytes:
        return request and http(request.split(b" ")[1])

    with server(answer) as port, Connection(port) as connection:
        for target in ("/one", "/two", "/" + "x" * 10_000):
            assert connection.request("GET", target).body == target.encode()


def test_a_connection_that_ends_early_is_an_error() -> None:
    failing = pytest.raises(DaemonError, match="did not answer")
    with server(lambda request: b"") as port, Connection(port) as connection, failing:
        connection.request("GET", "/")


def test_a_token_of_odd_bytes_does_no_harm() -> None:
    with server(lambda request: request and http(b'{"proof": "x"}')) as port:
        assert not is_alive(port, "\udcff\udcfe")
