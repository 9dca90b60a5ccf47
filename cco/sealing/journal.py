"""One sealed file that grows: segments, each sealed by itself and bound to its place in its file.

`length (4, big-endian) || nonce (16) || ciphertext || tag (16)`, again and again. The file's id is
the nonce of its first segment; docs/sealing.md, "The history".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cco.errors import FolderUnusable, SealedFileChanged, SealedFileForeign, SealedFileTruncated
from cco.sealing.envelope import MIN_BYTES, NONCE_BYTES, TAG_BYTES, associated_data
from cco.sealing.keys import Identity, file_key, length_prefixed
from cco.sealing.private_files import (
    MAX_BYTES,
    append_private,
    create_private,
    draft_path,
    publish_private,
    unwritable,
)

LENGTH_BYTES = 4
ORDINAL_BYTES = 8
MAX_SEGMENT_BYTES = MAX_BYTES // 2
"""Of what follows the length."""


class _Chain:
    """Seals or opens the segments of one file in their order."""

    def __init__(self, name: str, identity: Identity) -> None:
        self._name = name
        self._identity = identity
        self._file_id = b""
        self.ordinal = 0

    def seal(self, plaintext: bytes, nonce: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        data = self._associated_data(nonce)
        key = file_key(self._identity, self._name, nonce)
        self.ordinal += 1
        return length_prefixed(nonce + AESGCM(key).encrypt(nonce, plaintext, data))

    def unseal(self, segment: bytes) -> bytes | None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, body = segment[:NONCE_BYTES], segment[NONCE_BYTES:]
        data = self._associated_data(nonce)
        key = file_key(self._identity, self._name, nonce)
        try:
            plaintext = AESGCM(key).decrypt(nonce, body, data)
        except InvalidTag:
            return None
        self.ordinal += 1
        return plaintext

    def _associated_data(self, nonce: bytes) -> bytes:
        """What a tag covers: the file's name and id, and the segment's place, counted from 0."""
        if self.ordinal == 0:
            self._file_id = nonce
        place = self.ordinal.to_bytes(ORDINAL_BYTES, "big")
        return associated_data(self._name) + b"\0" + self._file_id + place


class Journal:
    """Appends to a file that a Draft began."""

    def __init__(self, path: Path, chain: _Chain, size_bytes: int) -> None:
        self._path = path
        self._chain = chain
        self.size_bytes = size_bytes

    def append(self, plaintext: bytes) -> None:
        """Put one segment behind the others. After an error nothing more can be appended.

        Raises: SealError, where the file is not as it was left; FolderUnusable.
        """
        segment = self._chain.seal(plaintext, os.urandom(NONCE_BYTES))
        append_private(self._path, segment, size_bytes=self.size_bytes)
        self.size_bytes += len(segment)

    def is_as_left(self) -> bool:
        """Whether the file is there, and as long as it was left."""
        try:
            return os.lstat(self._path).st_size == self.size_bytes
        except OSError:
            return False


class Draft:
    """A new file that takes the place of the named one when it is published.

    Raises: FolderUnusable.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self._path = path
        self._draft = draft_path(path)
        self._chain = _Chain(path.name, identity)
        try:
            self._file = os.fdopen(create_private(self._draft), "wb")
        except OSError as error:
            raise unwritable(path, error) from None
        self.size_bytes = 0

    def add(self, plaintext: bytes) -> None:
        """Write one segment.

        Raises: FolderUnusable.
        """
        segment = self._chain.seal(plaintext, os.urandom(NONCE_BYTES))
        self.size_bytes += len(segment)
        if self.size_bytes > MAX_BYTES:
            raise FolderUnusable(f"{self._path} would be larger than {MAX_BYTES} bytes")
        try:
            self._file.write(segment)
        except OSError as error:
            raise unwritable(self._path, error) from None

    def sync(self) -> None:
        """Bring what was written to the disk; this may take a while.

        Raises: FolderUnusable.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise unwritable(self._path, error) from None

    def publish(self) -> Journal:
        """Put the draft in the place of the named file.

        Raises: FolderUnusable.
        """
        try:
            self._file.close()
            publish_private(self._draft, self._path)
        except OSError as error:
            raise unwritable(self._path, error) from None
        return Journal(self._path, self._chain, self.size_bytes)

    def discard(self) -> None:
        """Remove the draft."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._draft.unlink()


def segment_bytes(plaintext: bytes) -> int:
    """How much of a file the segment of a plaintext takes."""
    return LENGTH_BYTES + MIN_BYTES + len(plaintext)


def open_segments(sealed: bytes, name: str, identity: Identity) -> Iterator[bytes]:
    """The plaintexts of a file's segments, in order. A last one that is not whole is left out.

    So is one that zeros reach into, and reach from to the file's end: that is what a disk has of it
    that lost its power.

    Nothing of a file that fails may be used, what came before the failure included.
    Raises: SealedFileTruncated, SealedFileForeign, SealedFileChanged.
    """
    chain = _Chain(name, identity)
    view = memoryview(sealed)
    written = _written_bytes(sealed)
    offset = 0
    while len(sealed) - offset >= LENGTH_BYTES and offset < written:
        length = _length(sealed, offset)
        start, offset = offset + LENGTH_BYTES, offset + LENGTH_BYTES + length
        if not MIN_BYTES <= length <= MAX_SEGMENT_BYTES:
            raise _refused(name, chain.ordinal)
        if offset > len(sealed):
            break
        plaintext = chain.unseal(bytes(view[start:offset]))
        if plaintext is None and len(sealed) - written >= TAG_BYTES and written < offset:
            break
        if plaintext is None:
            raise _refused(name, chain.ordinal)
        yield plaintext
    if chain.ordinal == 0:
        raise SealedFileTruncated(f"{name} has {len(sealed)} bytes and no whole segment")


def _written_bytes(sealed: bytes) -> int:
    """How long a file is without the zeros at its end."""
    return len(sealed.rstrip(b"\0"))


def _length(sealed: bytes, offset: int) -> int:
    return int.from_bytes(sealed[offset : offset + LENGTH_BYTES], "big")


def _refused(name: str, ordinal: int) -> SealedFileForeign | SealedFileChanged:
    if ordinal == 0:
        return SealedFileForeign(
            f"{name} does not open: it was changed, or it was sealed on another machine, "
            "for another user or by another build of cco"
        )
    return SealedFileChanged(f"{name} was changed: its segment {ordinal} does not open")
