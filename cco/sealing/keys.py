"""From machine, user and build secret to the key of one file."""

from __future__ import annotations

from typing import NamedTuple

KEY_BYTES = 32


class Identity(NamedTuple):
    """What every key is bound to."""

    machine_id: str
    username: str
    build_secret: bytes

    def __repr__(self) -> str:
        return f"Identity(machine_id={self.machine_id!r}, username={self.username!r})"

    @property
    def ikm(self) -> bytes:
        """The input keying material: each part behind its length, so that no two inputs collide."""
        return (
            length_prefixed(self.machine_id.encode())
            + length_prefixed(self.username.encode(errors="surrogateescape"))
            + length_prefixed(self.build_secret)
        )


def length_prefixed(value: bytes) -> bytes:
    """Put a value behind its length (4 bytes, big-endian)."""
    return len(value).to_bytes(4, "big") + value


def hkdf_sha256(ikm: bytes, *, salt: bytes, info: bytes) -> bytes:
    """Derive one key.

    Shapes: any ikm, salt and info -> key 32 bytes.
    Source: RFC 5869.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(ikm)


def file_key(identity: Identity, name: str, nonce: bytes) -> bytes:
    """Derive the key of one sealing of one file.

    Shapes: nonce 16 bytes -> key 32 bytes.
    Source: docs/sealing.md, "Keys".
    """
    info = b"cco/seal/v1/" + name.removeprefix(".").encode()
    return hkdf_sha256(identity.ikm, salt=nonce, info=info)


def manifest_key(identity: Identity, instance: bytes) -> bytes:
    """Derive the key under which one run of the daemon vouches for its files.

    Shapes: instance 16 bytes -> key 32 bytes.
    Source: docs/sealing.md, "Manifest".
    """
    return hkdf_sha256(identity.ikm, salt=instance, info=b"cco/manifest/v1")
