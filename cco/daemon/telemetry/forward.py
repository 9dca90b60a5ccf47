"""Pass the clients' telemetry on to a collector of the user's, as it came.

Never in the way of the intake: a bounded number of bodies waits in memory, and what does not find
room, is refused or grows too old is dropped and counted.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

from tornado.httpclient import HTTPRequest
from tornado.iostream import IOStream
from tornado.netutil import Resolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient
from tornado.tcpclient import TCPClient

from cco.daemon.log import LOG

OUTCOMES = ("delivered", "no_room", "refused", "expired", "stopped")
_RETRIED = frozenset((429, 502, 503, 504))
_REPORT_EVERY_S = 60.0
_BUFFER_BYTES = 1 << 20
_ANSWER_BYTES = 1 << 40  # an answer is not kept, however long
_CA_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True)
class Limits:
    """How much, how often and how long."""

    bodies: int = 1_000
    size_bytes: int = 16 * 1024 * 1024
    at_once: int = 4
    attempt_s: float = 10.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    age_s: float = 300.0
    grace_s: float = 0.8
    """How long the end of the daemon waits for what can still be delivered."""


@dataclass(frozen=True)
class _Body:
    signal: str
    data: bytes
    accepted_at: float


class Forwarder:
    """A queue in front of one collector.

    A failure closes the way for everybody for a while, which doubles as long as nothing gets
    through. No proxy is used, and no redirect followed: the headers may hold a secret.
    """

    def __init__(self, url: str, headers: Mapping[str, str], limits: Limits | None = None) -> None:
        self._url = url.rstrip("/")
        self._where = urlsplit(url).hostname or "?"
        self._headers = {**headers, "Content-Type": "application/json"}
        self._limits = limits or Limits()
        self._queue: asyncio.Queue[_Body] = asyncio.Queue()
        self._workers: list[asyncio.Task[None]] = []
        self._tls = _tls_context() if self._url.startswith("https:") else None
        self._failures_in_a_row = 0
        self._failed_at = self._open_at = time.monotonic()
        self._reported_at: float | None = None
        self._unreported: Counter[str] = Counter()
        self.held_count = 0
        self.held_bytes = 0
        self.failed_attempts = 0
        self.ended = dict.fromkeys(OUTCOMES, 0)
        """Bodies that are done with, by outcome."""

    def start(self) -> None:
        """Begin to deliver, in the running event loop."""
        self._client = SimpleAsyncHTTPClient(
            force_instance=True,
            max_clients=self._limits.at_once,
            max_buffer_size=_BUFFER_BYTES,
            max_body_size=_ANSWER_BYTES,
        )
        self._client.tcp_client = self._connections = _Connections(_DetachedResolver())
        self._workers = [asyncio.create_task(self._work()) for _ in range(self._limits.at_once)]

    def accept(self, signal: str, data: bytes) -> None:
        """Take a body of `logs` or `metrics`, to be delivered if it can be."""
        limits = self._limits
        if self.held_count >= limits.bodies or self.held_bytes + len(data) > limits.size_bytes:
            self._drop("no_room")
            return
        self.held_count += 1
        self.held_bytes += len(data)
        self._queue.put_nowait(_Body(signal, data, time.monotonic()))

    async def close(self) -> None:
        """Deliver what can be delivered at once, then end every attempt."""
        if self._open_at <= time.monotonic():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._queue.join(), self._limits.grace_s)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._connections.cut()
        self._client.close()
        if self.held_count:
            self.ended["stopped"] += self.held_count
            LOG.warning("forwarding to %s: %d bodies undelivered", self._where, self.held_count)

    async def _work(self) -> None:
        while True:
            body = await self._queue.get()
            outcome = await self._deliver(body)
            self.held_count -= 1
            self.held_bytes -= len(body.data)
            if outcome == "delivered":
                self.ended[outcome] += 1
            else:
                self._drop(outcome)
            self._queue.task_done()

    async def _deliver(self, body: _Body) -> str:
        while True:
            while (wait_s := self._open_at - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            started_at = time.monotonic()
            if started_at - body.accepted_at > self._limits.age_s:
                return "expired"
            status, retry_after_s = await self._attempt(body)
            if status is not None and 200 <= status < 300:
                self._failures_in_a_row = 0
                return "delivered"
            self.failed_attempts += 1
            if status is not None and status not in _RETRIED:
                self._report(f"status {status}")
                return "refused"
            self._back_off(started_at, retry_after_s)

    async def _attempt(self, body: _Body) -> tuple[int | None, float]:
        """Shapes: -> the status, None where none came, and for how long not to ask again."""
        request = HTTPRequest(
            f"{self._url}/v1/{body.signal}",
            method="POST",
            headers=self._headers,
            body=body.data,
            connect_timeout=self._limits.attempt_s,
            request_timeout=self._limits.attempt_s,
            follow_redirects=False,
            decompress_response=False,
            streaming_callback=_forget,
            ssl_options=self._tls,
        )
        try:
            response = await self._client.fetch(request, raise_error=False)
        except Exception as error:  # whatever somebody's server makes of it
            self._report(type(error).__name__)
            return None, 0.0
        if response.code in _RETRIED:
            self._report(f"status {response.code}")
        return response.code, _seconds(response.headers.get("Retry-After", ""))

    def _back_off(self, started_at: float, retry_after_s: float) -> None:
        """Close the way; attempts that failed side by side count as one."""
        limits, now = self._limits, time.monotonic()
        if started_at >= self._failed_at:
            self._failures_in_a_row += 1
            self._failed_at = now
        doubled = limits.first_wait_s * 2.0 ** min(self._failures_in_a_row - 1, 30)
        wait_s = min(doubled, limits.longest_wait_s) * random.uniform(0.5, 1.0)  # noqa: S311
        wait_s = max(wait_s, min(retry_after_s, limits.age_s))
        self._open_at = max(self._open_at, now + wait_s)

    def _drop(self, outcome: str) -> None:
        self.ended[outcome] += 1
        if outcome != "refused":  # its status is told already
            self._report(outcome)

    def _report(self, what: str) -> None:
        """Log what goes wrong, once a minute at most."""
        self._unreported[what] += 1
        now = time.monotonic()
        if self._reported_at is None or now - self._reported_at >= _REPORT_EVERY_S:
            told = ", ".join(f"{count} times {one}" for one, count in self._unreported.items())
            LOG.warning("forwarding to %s: %s", self._where, told)
            self._reported_at = now
            self._unreported.clear()


class _Connections(TCPClient):
    """Remembers what it connected: an attempt that is called off leaves its connection open."""

    def __init__(self, resolver: Resolver) -> None:
        super().__init__(resolver)
        self._streams: WeakSet[IOStream] = WeakSet()

    async def connect(self, *arguments: Any, **options: Any) -> IOStream:
        stream = await super().connect(*arguments, **options)
        self._streams.add(stream)
        return stream

    def cut(self) -> None:
        for stream in tuple(self._streams):
            stream.close()


class _DetachedResolver(Resolver):
    """Looks names up in a thread that nothing waits for: a lookup may hang for half a minute."""

    def initialize(self) -> None:
        self._pending: asyncio.Future[list[tuple[int, Any]]] | None = None

    async def resolve(
        self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[tuple[int, Any]]:
        if self._pending is None:  # there is one collector only
            self._pending = asyncio.get_running_loop().create_future()
            self._pending.add_done_callback(self._done)
            arguments = (self._pending, host, port, family)
            threading.Thread(target=_look_up, args=arguments, daemon=True).start()
        return await asyncio.shield(self._pending)

    def _done(self, future: asyncio.Future[Any]) -> None:
        self._pending = None
        if not future.cancelled():
            future.exception()  # seen, even where nobody waits for it any more


def _look_up(
    future: asyncio.Future[list[tuple[int, Any]]],
    host: str,
    port: int,
    family: socket.AddressFamily,
) -> None:
    def tell(found: list[tuple[int, Any]] | OSError) -> None:
        if future.done():
            return
        if isinstance(found, OSError):
            future.set_exception(found)
        else:
            future.set_result(found)

    found: list[tuple[int, Any]] | OSError
    try:
        listed = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        found = [(int(one[0]), one[4]) for one in listed]
    except OSError as error:
        found = error
    except UnicodeError:
        found = OSError("no such name")
    with suppress(RuntimeError):  # the loop may have ended meanwhile
        future.get_loop().call_soon_threadsafe(tell, found)


def _forget(piece: bytes) -> None:
    """Take a piece of an answer of which the status is enough."""


def _tls_context() -> ssl.SSLContext:
    """Trust whom this system trusts, or whom SSL_CERT_FILE and SSL_CERT_DIR name.

    OpenSSL looks where the system that it was built for has its certificates. The folder may be
    there on others, without the index that it needs.
    """
    context = ssl.create_default_context()
    known = ssl.get_default_verify_paths()
    named = os.environ.keys() & {known.openssl_cafile_env, known.openssl_capath_env}
    if known.cafile is None and not named:
        for path in _CA_FILES:
            with suppress(OSError):
                context.load_verify_locations(path)
                break
    return context


def _seconds(retry_after: str) -> float:
    """Retry-After as seconds from now; 0 for none or nonsense."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)
