"""Readers of the event stream that are slow, idle or gone, against the application itself."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from cco.daemon.api.streams import Limits, Streams
from cco.daemon.application import make_application
from cco.daemon.state import State
from cco.ledger import feed
from cco.ledger.ledger import Ledger
from tests.conftest import TIMEOUT_S

INSTANCE, TOKEN = "ab", "token"
BIG = "x" * 50_000
_MANY = 2_000
"""So many big events are more than the kernel keeps for a connection."""


class Service:
    """The application in this process, with limits of its own."""

    def __init__(self, limits: Limits) -> None:
        listening, self.port = bind_unused_port()
        settings = SimpleNamespace(port=self.port, token=TOKEN, instance=INSTANCE)
        nothing = cast(Any, None)
        self.ledger = Ledger()
        sealed = cast(Any, SimpleNamespace(settings=settings))
        self.streams = Streams(limits)
        unused = (nothing,) * 4
        self.state = State(sealed, nothing, self.ledger, *unused, streams=self.streams)
        self.server = HTTPServer(make_application(self.state))
        self.server.add_sockets([listening])

    async def open(self, last_id: str | None = None, *, window: int | None = None) -> Reading:
        """Begin to read; with a small window the kernel keeps little for this reader."""
        connection = socket.socket()
        connection.setblocking(False)
        if window is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        lines = [
            "GET /api/v1/events HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {TOKEN}",
            *([] if last_id is None else [f"Last-Event-ID: {last_id}"]),
        ]
        await loop.sock_sendall(connection, "\r\n".join([*lines, "", ""]).encode())
        await until(lambda: len(self.streams) > 0, "a reader")
        return Reading(connection)


class Reading:
    """One connection to the stream, read only when it is told to."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.told = b""

    async def until(self, pattern: bytes) -> None:
        loop = asyncio.get_running_loop()
        while not re.search(pattern, self.told):
            piece = await loop.sock_recv(self.connection, 1 << 16)
            assert piece, self.told[-500:]
            self.told += piece

    async def to_the_end(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while piece := await loop.sock_recv(self.connection, 1 << 20):
                self.told += piece

    def has(self, number: int) -> Callable[[], bool]:
        """Whether an event is the latest that has come."""
        line = f"\nid: ab-{number}\n".encode()
        return lambda: self.told.rfind(line, max(len(self.told) - 2 * len(BIG), 0)) >= 0

    def ids(self) -> list[int]:
        return [int(one) for one in re.findall(rb"\nid: ab-(\d+)\nevent: big", self.told)]


async def until(condition: Callable[[], object], what: str) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def service(limits: Limits) -> AsyncIterator[Service]:
    place = Service(limits)
    try:
        yield place
    finally:
        await place.streams.stop()
        place.server.stop()
        await place.server.close_all_connections()
    assert len(place.streams) == 0
    assert place.ledger.feed._listeners == []


def run(limits: Limits, story: Callable[[Service], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(TIMEOUT_S), service(limits) as place:
            await story(place)

    asyncio.run(main())


def test_a_comment_comes_where_nothing_happens() -> None:
    async def story(place: Service) -> None:
        reader = await place.open()
        await reader.until(rb"(?s)id: ab-0\n\n.*\n:\n\n.*\n:\n\n")
        place.ledger.feed.publish("told")
        await reader.until(rb"event: told\n")
        await reader.until(rb"(?s)event: told.*\n:\n\n")
        reader.connection.close()

    run(Limits(heartbeat_s=0.02), story)


def test_who_goes_away_is_noticed() -> None:
    async def story(place: Service) -> None:
        readers = [await place.open() for _ in range(5)]
        for reader in readers:
            await reader.until(rb"id: ab-0\n\n")
        for reader in readers:
            reader.connection.close()
        await until(lambda: len(place.streams) == 0, "the end of all readers")
        assert place.ledger.feed._listeners == []

    run(Limits(), story)


def test_a_slow_reader_is_dropped_and_a_quick_one_is_not() -> None:
    async def story(place: Service) -> None:
        slow = await place.open(window=4096)
        quick = await place.open()
        await quick.until(rb"id: ab-0\n\n")
        reading = asyncio.create_task(quick.to_the_end())
        await until(lambda: len(place.streams._live) == 2, "two readers")
        told = most = 0
        while len(place.streams) == 2:
            assert told < _MANY
            place.ledger.feed.publish("big", text=BIG)
            told += 1
            most = max(most, *(one._waiting_bytes for one in place.streams._places))
            await until(quick.has(told), "what was told")
        assert most <= place.streams.limits.buffer_bytes + len(BIG) + 500
        await slow.to_the_end()  # the connection is closed, not just left alone
        assert slow.ids() == list(range(1, len(slow.ids()) + 1))
        assert len(slow.ids()) < told
        place.ledger.feed.publish("big", text=BIG)
        await until(quick.has(told + 1), "one more")
        assert quick.ids() == list(range(1, told + 2))
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        slow.connection.close()
        quick.connection.close()

    run(Limits(buffer_bytes=1 << 18), story)


def test_a_reader_that_takes_nothing_is_dropped_in_time() -> None:
    async def story(place: Service) -> None:
        stuck = await place.open(window=4096)
        await until(lambda: place.streams._live, "a reader")
        for _ in range(_MANY // 4):
            place.ledger.feed.publish("big", text=BIG)
        await until(lambda: len(place.streams) == 0, "the end of the stuck reader")
        await stuck.to_the_end()
        stuck.connection.close()

    run(Limits(buffer_bytes=1 << 30, stalled_s=0.05), story)


def test_a_stream_has_no_gap_even_where_what_is_replayed_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "MAX_EVENTS", 500)
    monkeypatch.setattr(feed, "MAX_BYTES", 1 << 30)

    async def story(place: Service) -> None:
        for _ in range(500):
            place.ledger.feed.publish("big", text=BIG)
        slow = await place.open("ab-0", window=4096)
        await until(lambda: any(one for one in place.streams._places), "a reader")
        await asyncio.get_running_loop().sock_recv(slow.connection, 1)
        for _ in range(1_000):
            place.ledger.feed.publish("big", text=BIG)
        await slow.to_the_end()
        ids = slow.ids()
        assert ids == list(range(1, len(ids) + 1))
        assert 0 < len(ids) < 500
        slow.connection.close()
        late = await place.open(f"ab-{ids[-1]}")
        await late.until(rb"event: reset\ndata: \{[^\n]*\}\nid: ab-1500\n\n")
        late.connection.close()
        kept = await place.open("ab-1000")
        await kept.until(rb"id: ab-1500\nevent: big\n")
        assert b"reset" not in kept.told
        assert b"id: ab-1001\nevent: big\n" in kept.told
        kept.connection.close()

    run(Limits(), story)


def test_when_all_stops_streams_end_in_good_order() -> None:
    async def story(place: Service) -> None:
        reader = await place.open()
        await reader.until(rb"id: ab-0\n\n")
        stuck = await place.open(window=4096)
        await until(lambda: len(place.streams._live) == 2, "two readers")
        for _ in range(100):
            place.ledger.feed.publish("big", text=BIG)
        reading = asyncio.create_task(reader.to_the_end())
        await place.streams.stop()
        await place.server.close_all_connections()
        await reading
        await stuck.to_the_end()
        reader.connection.close()
        stuck.connection.close()

    run(Limits(buffer_bytes=1 << 30), story)
