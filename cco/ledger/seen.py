"""Which telemetry records were taken in already: the latest ones, as digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

DIGEST_BYTES = 8
MAX_DIGESTS = 16_384


class Seen:
    """The latest keys, in two generations: when the younger is full, the older is forgotten."""

    def __init__(self) -> None:
        self._older: set[bytes] = set()
        self._younger: dict[bytes, None] = {}

    def add(self, key: tuple[object, ...]) -> bytes | None:
        """Note a key; returns its digest if it is new."""
        digest = _digest(key)
        return digest if self.note(digest) else None

    def note(self, digest: bytes) -> bool:
        """Note a digest; returns whether it is new."""
        if digest in self._younger or digest in self._older:
            return False
        self._younger[digest] = None
        if len(self._younger) >= MAX_DIGESTS // 2:
            self._older, self._younger = set(self._younger), {}
        return True

    def __contains__(self, key: tuple[object, ...]) -> bool:
        digest = _digest(key)
        return digest in self._younger or digest in self._older

    def __iter__(self) -> Iterator[bytes]:
        """All digests, those noted last at the end."""
        yield from self._older
        yield from self._younger


def _digest(key: tuple[object, ...]) -> bytes:
    text = repr(key).encode(errors="surrogatepass")
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest()
