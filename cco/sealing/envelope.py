"""One sealed file: `nonce (16) || AES-256-GCM ciphertext || tag (16)`."""

from __future__ import annotations

import os

from cco.errors import SealedFileForeign, SealedFileSwapped, SealedFileTruncated
from cco.sealing.keys import Identity, file_key
from cco.sealing.names import SEALED

NONCE_BYTES = 16
TAG_BYTES = 16
MIN_BYTES = NONCE_BYTES + TAG_BYTES


def associated_data(name: str) -> bytes:
    """What the tag covers beside the ciphertext: the format's version and the file's name."""
    return b"cco-seal-v1\0" + name.encode()


def seal(plaintext: bytes, name: str, identity: Identity, *, nonce: bytes | None = None) -> bytes:
    """Encrypt and authenticate one file's contents.

    Shapes: nonce 16 bytes (fresh and random unless a test vector gives it) -> 32 bytes more than
    the plaintext.
    Source: docs/sealing.md, "One file".
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES) if nonce is None else nonce
    key = file_key(identity, name, nonce)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated_data(name))


def unseal(sealed: bytes, name: str, identity: Identity) -> bytes:
    """Open one sealed file: its whole plaintext, or an error and nothing.

    Raises: SealedFileTruncated, SealedFileSwapped, SealedFileForeign.
    """
    if len(sealed) < MIN_BYTES:
        raise SealedFileTruncated(
            f"{name} has {len(sealed)} bytes; a sealed file has {MIN_BYTES} or more"
        )
    plaintext = _decrypt(sealed, name, identity)
    if plaintext is not None:
        return plaintext
    for other in SEALED:
        if other != name and _decrypt(sealed, other, identity) is not None:
            raise SealedFileSwapped(f"{name} is really {other} under another name")
    raise SealedFileForeign(
        f"{name} does not open: it was changed, or it was sealed on another machine, "
        "for another user or by another build of cco"
    )


def _decrypt(sealed: bytes, name: str, identity: Identity) -> bytes | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(file_key(identity, name, nonce)).decrypt(nonce, body, associated_data(name))
    except InvalidTag:
        return None
