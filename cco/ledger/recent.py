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
        session_of: Callable[[_K, _V], str],
        forgotten: Callable[[str, _V], None] = lambda session_id, value: None,
    ) -> None:
        self._per_session = per_session
        self._overall = overall
        self._session_of = session_of
        self._forgotten = forgotten
        self._entries: OrderedDict[_K, _V] = OrderedDict()
        self._keys: dict[str, dict[_K, None]] = {}
        """By session, its keys, the oldest first."""

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: _K) -> _V | None:
        return self._entries.get(key)

    def put(self, key: _K, value: _V) -> None:
        """Make an entry the latest; the oldest that no longer has room is forgotten."""
        self.pop(key)
        self._entries[key] = value
        keys = self._keys.setdefault(self._session_of(key, value), {})
        keys[key] = None
        if len(keys) > self._per_session:
            self._forget(next(iter(keys)))
        if len(self._entries) > self._overall:
            self._forget(next(iter(self._entries)))

    def pop(self, key: _K) -> _V | None:
        """Take an entry out; None where there is none."""
        value = self._entries.pop(key, None)
        if value is None:
            return None
        session_id = self._session_of(key, value)
        keys = self._keys[session_id]
        del keys[key]
        if not keys:
            del self._keys[session_id]
        return value

    def items(self) -> Iterator[tuple[_K, _V]]:
        """All entries, the oldest first; they may be taken out meanwhile."""
        yield from tuple(self._entries.items())

    def _forget(self, key: _K) -> None:
        value = self.pop(key)
        assert value is not None
        self._forgotten(self._session_of(key, value), value)
