"""A bounded table whose entries belong to sessions: the oldest make room for the new."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Recent(Generic[_K, _V]):
    """Keeps the latest entries of every session, and of all sessions together."""

    def __init__(
        self,
        per_session: int,
        overall: int,
        forgotten: Callable[[str, _V], None] = lambda session_id, value: None,
    ) -> None:
        self._per_session = per_session
        self._overall = overall
        self._forgotten = forgotten
        self._entries: OrderedDict[_K, tuple[str, _V]] = OrderedDict()
        self._keys: dict[str, OrderedDict[_K, None]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: _K) -> _V | None:
        entry = self._entries.get(key)
        return None if entry is None else entry[1]

    def put(self, session_id: str, key: _K, value: _V) -> None:
        """Make an entry the latest; the oldest that no longer has room is forgotten."""
        self.pop(key)
        self._entries[key] = (session_id, value)
        keys = self._keys.setdefault(session_id, OrderedDict())
        keys[key] = None
        if len(keys) > self._per_session:
            self._forget(next(iter(keys)))
        if len(self._entries) > self._overall:
            self._forget(next(iter(self._entries)))

    def pop(self, key: _K) -> _V | None:
        """Take an entry out; None where there is none."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        session_id, value = entry
        keys = self._keys[session_id]
        del keys[key]
        if not keys:
            del self._keys[session_id]
        return value

    def items(self) -> Iterator[tuple[_K, _V]]:
        """All entries, the oldest first; they may be taken out meanwhile."""
        for key, (_, value) in tuple(self._entries.items()):
            yield key, value

    def _forget(self, key: _K) -> None:
        session_id = self._entries[key][0]
        value = self.pop(key)
        assert value is not None
        self._forgotten(session_id, value)
