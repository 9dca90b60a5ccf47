"""What happens, as it happens: a bounded run of numbered events, and those who listen."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_EVENTS = 10_000
MAX_BYTES = 8 << 20
"""Of what the events tell, as it is held in memory."""
Listener = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    number: int
    """Counted from 1 since the daemon started."""
    kind: str
    session_id: str
    data: str
    """All of it as a line of JSON: `id`, `time`, `kind`, `session_id`, what the kind tells."""


class Feed:
    """Keeps the latest events and passes each on."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._events: deque[Event] = deque()
        self._size_bytes = 0
        self._listeners: list[Listener] = []
        self.last_number = 0

    def publish(self, kind: str, session_id: str = "", **data: Any) -> Event:
        """Tell that something happened. The data must be JSON, bounded, and free of secrets."""
        self.last_number += 1
        told = {
            "id": self.last_number,
            "time": round(self._clock(), 3),
            "kind": kind,
            "session_id": session_id,
            **data,
        }
        line = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        event = Event(self.last_number, kind, session_id, line)
        self._keep(event)
        for listener in tuple(self._listeners):
            listener(event)
        return event

    def _keep(self, event: Event) -> None:
        self._events.append(event)
        self._size_bytes += sys.getsizeof(event.data)
        while len(self._events) > MAX_EVENTS or self._size_bytes > MAX_BYTES:
            self._size_bytes -= sys.getsizeof(self._events.popleft().data)

    def since(self, number: int, session_id: str | None = None) -> Iterator[Event]:
        """The events after a number, the oldest first, as far back as they are kept."""
        for event in tuple(self._events):
            if event.number > number and session_id in (None, event.session_id):
                yield event

    @property
    def first_number(self) -> int:
        """The number of the oldest event that is kept; one past the last where none is."""
        return self._events[0].number if self._events else self.last_number + 1

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a listener with every event from now on; returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
