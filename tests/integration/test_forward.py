"""The forwarder: bodies arrive whole, again after a failure, and it is never in anybody's way."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cco.daemon.telemetry import forward
from cco.daemon.telemetry.forward import Forwarder, Limits
from tests.certificate import self_signed
from tests.collector import Collector
from tests.conftest import free_port

QUICK = Limits(first_wait_s=0.01, longest_wait_s=0.02)
LOGS = b'{"resourceLogs": [],\n "mine": "\xc3\xa9"}'


def drive(forwarder: Forwarder, act: Callable[[Forwarder], Awaitable[None]]) -> None:
    """Run a forwarder in an event loop of its own."""

    async def main() -> None:
        forwarder.start()
        try:
            await act(forwarder)
        finally:
            await forwarder.close()

    asyncio.run(main())


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def ended(forwarder: Forwarder) -> dict[str, int]:
    return {outcome: count for outcome, count in forwarder.ended.items() if count}


def test_a_body_arrives_as_it_came(collector: Collector) -> None:
    forwarder = Forwarder(f"{collector.url}/otlp/", {"X-Key": "k 1"}, QUICK)

    async def act(one: Forwarder) -> None:
        one.accept("logs", LOGS)
        one.accept("metrics", b"{}")
        await until(lambda: one.held_count == 0)

    drive(forwarder, act)
    found = {path: (headers, body) for path, headers, body in collector.received}
    headers, body = found["/otlp/v1/logs"]
    assert body == LOGS
    assert headers["content-type"] == "application/json"
    assert headers["x-key"] == "k 1"
    assert found["/otlp/v1/metrics"][1] == b"{}"
    assert ended(forwarder) == {"delivered": 2}
    assert forwarder.held_bytes == 0


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_passing_faults_are_tried_again(collector: Collector, status: int) -> None:
    collector.answers = [(status, {}), (status, {"Retry-After": "0"})]
    forwarder = Forwarder(collector.url, {}, QUICK)

    async def act(one: Forwarder) -> None:
        one.accept("logs", LOGS)
        await until(lambda: one.held_count == 0)

    drive(forwarder, act)
    assert collector.bodies == [LOGS] * 3
    assert ended(forwarder) == {"delivered": 1}
    assert forwarder.failed_attempts == 2


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500])
def test_a_refusal_is_final(collector: Collector, status: int) -> None:
    collector.answers = [(status, {})]
    forwarder = Forwarder(collector.url, {}, QUICK)

    async def act(one: Forwarder) -> None:
        one.accept("logs", LOGS)
        await until(lambda: one.held_count == 0)

    drive(forwarder, act)
    assert len(collector.bodies) == 1
    assert ended(forwarder) == {"refused": 1}


def test_a_redirect_is_not_followed(collector: Collector) -> None:
    other = Collector()
    try:
        collector.answers = [(307, {"Location": f"{other.url}/v1/logs"})]
        forwarder = Forwarder(collector.url, {"Authorization": "Bearer secret"}, QUICK)

        async def act(one: Forwarder) -> None:
            one.accept("logs", LOGS)
            await until(lambda: one.held_count == 0)

        drive(forwarder, act)
        assert ended(forwarder) == {"refused": 1}
        assert other.received == []
    finally:
        other.close()


def test_a_collector_that_comes_later_gets_everything() -> None:
    port = free_port()
    forwarder = Forwarder(f"http://127.0.0.1:{port}", {}, QUICK)
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        (length,) = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
        received.append(await reader.readexactly(int(length.split(b":")[1])))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def act(one: Forwarder) -> None:
        for number in range(9):
            one.accept("logs", b"%d" % number)
        await until(lambda: one.failed_attempts >= 5)
        async with await asyncio.start_server(serve, "127.0.0.1", port):
            await until(lambda: one.held_count == 0)

    drive(forwarder, act)
    assert sorted(received) == [b"%d" % number for number in range(9)]
    assert ended(forwarder) == {"delivered": 9}


def test_no_proxy_is_used(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    test_a_body_arrives_as_it_came(collector)


@pytest.mark.parametrize("limits", [Limits(bodies=3), Limits(size_bytes=3 * len(LOGS))])
def test_what_finds_no_room_is_dropped_and_counted(collector: Collector, limits: Limits) -> None:
    collector.gate.clear()
    forwarder = Forwarder(collector.url, {}, limits)

    async def act(one: Forwarder) -> None:
        for _ in range(5):
            one.accept("logs", LOGS)
        assert (one.held_count, one.held_bytes) == (3, 3 * len(LOGS))
        assert ended(one) == {"no_room": 2}
        collector.gate.set()
        await until(lambda: one.held_count == 0)
        one.accept("logs", LOGS)
        await until(lambda: one.held_count == 0)

    drive(forwarder, act)
    assert ended(forwarder) == {"delivered": 4, "no_room": 2}


def test_what_grows_too_old_is_dropped() -> None:
    limits = Limits(first_wait_s=0.01, longest_wait_s=0.01, age_s=0.05)
    forwarder = Forwarder(f"http://127.0.0.1:{free_port()}", {}, limits)

    async def act(one: Forwarder) -> None:
        one.accept("logs", LOGS)
        await until(lambda: one.held_count == 0)

    drive(forwarder, act)
    assert ended(forwarder) == {"expired": 1}
    assert forwarder.failed_attempts >= 1


def test_nobody_is_asked_before_the_time_they_named(collector: Collector) -> None:
    collector.answers = [(503, {"Retry-After": "100"})]
    forwarder = Forwarder(collector.url, {}, QUICK)

    async def act(one: Forwarder) -> None:
        one.accept("logs", LOGS)
        await until(lambda: one.failed_attempts == 1)
        one.accept("logs", b"{}")
        assert 99 < one._open_at - asyncio.get_running_loop().time() <= 100

    drive(forwarder, act)
    assert collector.bodies == [LOGS]
    assert ended(forwarder) == {"stopped": 2}


def test_the_wait_doubles_up_to_a_limit_and_failures_side_by_side_count_once() -> None:
    forwarder = Forwarder("http://127.0.0.1:1", {}, Limits(first_wait_s=1, longest_wait_s=8))
    waits = []
    for _ in range(6):
        forwarder._open_at = 0.0
        started_at = forwarder._failed_at
        forwarder._back_off(started_at, 0.0)
        forwarder._back_off(started_at - 1, 0.0)
        waits.append(forwarder._open_at - forwarder._failed_at)
    for wait_s, most_s in zip(waits, (1, 2, 4, 8, 8, 8), strict=True):
        assert most_s / 2 <= wait_s < most_s + 0.5


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("", 0, 0), ("7", 7, 7), ("-7", 0, 0), ("soon", 0, 0), ("9" * 30, 0, 0), ("²", 0, 0),
     ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9, 1e12)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(text: str, low: float, high: float) -> None:
    assert low <= forward._seconds(text) <= high


def test_the_end_does_not_wait_for_a_collector_that_never_answers(collector: Collector) -> None:
    collector.gate.clear()
    forwarder = Forwarder(collector.url, {}, Limits(attempt_s=3600, grace_s=0.05))

    async def act(one: Forwarder) -> None:
        one.accept("logs", LOGS)
        await until(lambda: collector.received)

    drive(forwarder, act)
    assert ended(forwarder) == {"stopped": 1}


def test_the_end_does_not_wait_for_a_name_that_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, gate = threading.Event(), threading.Event()

    def hang(*arguments: Any) -> list[Any]:
        asked.set()
        gate.wait()
        raise OSError

    forwarder = Forwarder("http://collector.invalid", {}, Limits(attempt_s=3600, grace_s=0.05))

    async def act(one: Forwarder) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", hang)
        one.accept("logs", LOGS)
        one.accept("logs", LOGS)
        await until(asked.is_set)

    drive(forwarder, act)
    gate.set()
    assert ended(forwarder) == {"stopped": 2}


def test_a_name_that_nobody_knows_is_a_passing_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    forwarder = Forwarder("http://collector.invalid", {}, QUICK)

    async def act(one: Forwarder) -> None:
        one.accept("logs", LOGS)
        await until(lambda: one.failed_attempts > 2)

    drive(forwarder, act)
    assert ended(forwarder) == {"stopped": 1}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_signed(tmp_path / "certificate.pem")


@pytest.mark.parametrize("trusted", [True, False])
def test_tls_is_checked(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    collector = Collector(tls)
    try:
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        forwarder = Forwarder(collector.url, {}, QUICK)

        async def act(one: Forwarder) -> None:
            one.accept("logs", LOGS)
            await until(lambda: one.held_count == 0 or one.failed_attempts > 2)

        drive(forwarder, act)
        assert ended(forwarder) == ({"delivered": 1} if trusted else {"stopped": 1})
        assert bool(collector.received) is trusted
    finally:
        collector.close()


def test_whom_the_user_names_is_trusted_and_no_one_else(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also where OpenSSL finds a folder that has no index, as on RHEL when built for Debian."""
    found = SimpleNamespace(
        cafile=None,
        capath="/etc/ssl/certs",
        openssl_cafile_env="SSL_CERT_FILE",
        openssl_capath_env="SSL_CERT_DIR",
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: found)
    monkeypatch.setattr(forward, "_CA_FILES", (str(tmp_path / "missing"), str(certificate)))
    own = ssl.PEM_cert_to_DER_cert(certificate.read_text().partition("-----BEGIN PRIVATE")[0])

    def is_trusted() -> bool:
        return own in forward._tls_context().get_ca_certs(binary_form=True)

    names = ("SSL_CERT_FILE", "SSL_CERT_DIR")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    assert is_trusted()
    for name in names:
        with monkeypatch.context() as patched:
            patched.setenv(name, str(tmp_path / "missing"))
            assert not is_trusted()
