"""GET /api/v1/events and …/sessions/{id}/events: what happens, as a stream and page by page."""

from __future__ import annotations

import asyncio
import json
import re
from http import HTTPStatus
from itertools import islice

from cco.daemon.api.parameters import Number, Parameter, page_size, read_query
from cco.daemon.api.streams import GONE, STOPPED, TOO_SLOW, Reader
from cco.daemon.handler import BaseHandler, Problem
from cco.ledger.feed import Event

SESSION = Parameter("session", "Only what happens in this session.")
AFTER = Number("after", "The number of the last event that is known already.", default=0)
STREAM_PARAMETERS = (SESSION,)
TIMELINE_PARAMETERS = (AFTER, page_size())

_RECONNECT_MS = 2_000
_ID = re.compile(r"([0-9a-f]{1,64})-([0-9]{1,15})")
_REPLAYED_AT_ONCE = 200
_HEARTBEAT = b":\n\n"


class SessionEventsHandler(BaseHandler):
    """The kept events of one session, the oldest first."""

    def get(self, session_id: str) -> None:
        query = read_query(self.request, TIMELINE_PARAMETERS)
        feed = self.state.ledger.feed
        self.state.ledger.session(session_id)  # there is such a session
        limit = query["limit"]
        found = list(islice(feed.since(query["after"], session_id), limit + 1))
        page, more = found[:limit], len(found) > limit
        last = page[-1].number if more else feed.last_number
        self.send(
            {
                "events": [json.loads(event.data) for event in page],
                "next": page[-1].number if more else None,
                "first_kept": feed.first_number,
                "last_event_id": f"{self.state.sealed.settings.instance}-{last}",
            }
        )


class EventsHandler(BaseHandler):
    """Server-sent events.

    A reader that names the last event it has seen (`Last-Event-ID`) first gets what it missed.
    Where that cannot be told, because the event is of another run of the daemon or too long ago,
    it gets the event `reset` and goes on from now.
    Source: HTML Living Standard, 9.2 Server-sent events.
    """

    async def get(self) -> None:
        session_id = read_query(self.request, STREAM_PARAMETERS)["session"]
        self.set_header("Content-Type", "text/event-stream")
        if self.request.method == "HEAD":
            return
        self._reader = self.state.streams.enter(session_id)
        if self._reader is None:
            full = f"{len(self.state.streams)} readers are served already"
            headers = {"Retry-After": "10"}
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, full, headers=headers)
        try:
            await self._serve(self._reader)
        finally:
            self.state.streams.leave(self._reader)
        if self._reader.ended.result() != STOPPED and self.request.connection is not None:
            self._auto_finish = False
            self._close()

    _reader: Reader | None = None

    def on_connection_close(self) -> None:
        if self._reader is not None:
            self._reader.end(GONE)

    async def _serve(self, reader: Reader) -> None:
        feed = self.state.ledger.feed
        number = self._known()
        opening = f"retry: {_RECONNECT_MS}\n"
        if number is None:
            number = feed.last_number
            if "Last-Event-ID" in self.request.headers:
                opening += f"event: reset\ndata: {json.dumps({'id': number, 'kind': 'reset'})}\n"
        await self._push(reader, [f"{opening}id: {self._id(number)}\n\n".encode()])
        while not reader.ended.done():
            if number < feed.first_number - 1:  # what is to come next is no longer kept
                reader.end(TOO_SLOW)
                return
            missed = list(islice(feed.since(number, reader.session_id), _REPLAYED_AT_ONCE))
            if not missed:
                break
            await self._push(reader, [self._block(event) for event in missed])
            number = missed[-1].number
        self.state.streams.follow(reader, feed, self._block)
        while not reader.ended.done():
            if await reader.wait():
                batch = reader.take()
                await self._push(reader, batch)
                reader.sent(batch)
                await reader.gather()
            else:
                await self._push(reader, [_HEARTBEAT])

    def _known(self) -> int | None:
        """The number of the last event that the reader has seen, if what followed is all kept."""
        feed = self.state.ledger.feed
        told = _ID.fullmatch(self.request.headers.get("Last-Event-ID", ""))
        if told is None or told[1] != self.state.sealed.settings.instance:
            return None
        number = int(told[2])
        return number if feed.first_number - 1 <= number <= feed.last_number else None

    async def _push(self, reader: Reader, blocks: list[bytes]) -> None:
        """Send, until it has left or the reader is at its end."""
        if reader.ended.done():
            return
        self.write(b"".join(blocks))
        flushed = self.flush()
        await asyncio.wait(
            (flushed, reader.ended),
            timeout=reader.limits.stalled_s,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not flushed.done():
            reader.end(TOO_SLOW)
        elif flushed.exception() is not None:
            reader.end(GONE)

    def _block(self, event: Event) -> bytes:
        block = f"id: {self._id(event.number)}\nevent: {event.kind}\ndata: {event.data}\n\n"
        return block.encode(errors="replace")

    def _id(self, number: int) -> str:
        return f"{self.state.sealed.settings.instance}-{number}"

    def _close(self) -> None:
        """End the connection, whatever still waits to be sent on it."""
        connection = self.request.connection
        close = getattr(connection, "close", None)
        if close is not None:
            close()
