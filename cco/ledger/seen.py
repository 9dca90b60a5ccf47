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
        noted = digest(key)
        return noted if self.note(noted) else None

    def note(self, noted: bytes) -> bool:
        """Note a digest; returns whether it is new."""
        if noted in self._younger or noted in self._older:
            return False
        self._younger[noted] = None
        if len(self._younger) >= MAX_DIGESTS // 2:
            self._older, self._younger = set(self._younger), {}
        return True

    def __contains__(self, key: tuple[object, ...]) -> bool:
        wanted = digest(key)
        return wanted in self._younger or wanted in self._older

    def __iter__(self) -> Iterator[bytes]:
        """All digests, those noted last at the end."""
        yield from self._older
        yield from self._younger


def digest(key: tuple[object, ...]) -> bytes:
    """A key of any length in few bytes, by which it is known again."""
    text = repr(key).encode(errors="surrogatepass")
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest()
