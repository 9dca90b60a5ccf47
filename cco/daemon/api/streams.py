"""Those who read the event stream: how many, and how far each may fall behind."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from cco.ledger.feed import Event, Feed

BATCH_BYTES = 64 * 1024
_STOP_S = 1.0
STOPPED = "the daemon stops"
TOO_SLOW = "too slow"
GONE = "gone"


@dataclass(frozen=True)
class Limits:
    """What is granted to readers."""

    readers: int = 100
    buffer_bytes: int = 1 << 20
    """What may wait for one reader."""
    stalled_s: float = 60.0
    """How long a reader may take nothing of what is sent."""
    heartbeat_s: float = 15.0
    gather_s: float = 0.05
    """How long what happens next is gathered once something was sent: many events in a row leave in
    few pieces, and a single one at once."""


class Reader:
    """One reader, and what waits to be sent."""

    def __init__(self, limits: Limits, session_id: str | None) -> None:
        self.limits = limits
        self.session_id = session_id
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when there is nothing more to send, with the reason."""
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._something = asyncio.Event()

    def end(self, reason: str) -> None:
        """Send nothing more."""
        if not self.ended.done():
            self.ended.set_result(reason)
        self._waiting.clear()
        self._something.set()

    def offer(self, session_id: str, block: bytes) -> None:
        """Let an event wait to be sent; a reader that has too much waiting is ended."""
        if self.ended.done() or self.session_id not in (None, session_id):
            return
        self._waiting.append(block)
        self._waiting_bytes += len(block)
        if self._waiting_bytes > self.limits.buffer_bytes:
            self.end(TOO_SLOW)
        self._something.set()

    async def wait(self) -> bool:
        """Wait until something is there to send or the reader has ended; False at a heartbeat."""
        try:
            async with asyncio.timeout(self.limits.heartbeat_s):
                await self._something.wait()
        except TimeoutError:
            return False
        return True

    async def gather(self) -> None:
        """Let what happens next wait for more, unless the reader ends."""
        await asyncio.wait((self.ended,), timeout=self.limits.gather_s)

    def take(self) -> list[bytes]:
        """The next that is to be sent; it counts as waiting until `sent` says otherwise."""
        batch: list[bytes] = []
        size = 0
        while self._waiting and size < BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += len(batch[-1])
        if not self._waiting and not self.ended.done():
            self._something.clear()
        return batch

    def sent(self, batch: list[bytes]) -> None:
        """What was taken has left."""
        self._waiting_bytes -= sum(map(len, batch))


class Streams:
    """All readers of one daemon's events."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._places: set[Reader] = set()
        self._live: set[Reader] = set()
        self._unlisten: Callable[[], None] | None = None
        self._emptied: asyncio.Future[None] | None = None
        """Done when the last reader has left, once there will be no others."""

    def __len__(self) -> int:
        return len(self._places)

    def enter(self, session_id: str | None) -> Reader | None:
        """Give a reader a place; None where all are taken."""
        if len(self._places) >= self.limits.readers or self._emptied is not None:
            return None
        reader = Reader(self.limits, session_id)
        self._places.add(reader)
        return reader

    def follow(self, reader: Reader, feed: Feed, encode: Callable[[Event], bytes]) -> None:
        """Offer a reader every event from now on; each is encoded once for all readers."""
        self._live.add(reader)
        if self._unlisten is None:

            def pass_on(event: Event) -> None:
                block = encode(event)
                for one in tuple(self._live):
                    one.offer(event.session_id, block)

            self._unlisten = feed.listen(pass_on)

    def leave(self, reader: Reader) -> None:
        """Give up a place."""
        self._places.discard(reader)
        self._live.discard(reader)
        if not self._live and self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
        if not self._places and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    async def stop(self) -> None:
        """End every stream, and begin no other."""
        self._emptied = asyncio.get_running_loop().create_future()
        for reader in tuple(self._places):
            reader.end(STOPPED)
        if self._places:
            await asyncio.wait((self._emptied,), timeout=_STOP_S)
