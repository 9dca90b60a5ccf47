"""The proof that whoever answers on the daemon's port knows the token.

The standard library's hmac loads OpenSSL, which takes longer than a whole hook may: this is the
same HMAC over CPython's own SHA-256, for the client's side.
"""

from __future__ import annotations

try:
    from _sha2 import sha256
except ImportError:  # before 3.12
    from _sha256 import sha256

_BLOCK_BYTES = 64
_INNER = bytes(one ^ 0x36 for one in range(256))
_OUTER = bytes(one ^ 0x5C for one in range(256))


def proof(token: str, challenge: bytes) -> str:
    """HMAC-SHA256 of a challenge under the token.

    Shapes: -> 64 hex.
    Source: RFC 2104.
    """
    key = token.encode()
    if len(key) > _BLOCK_BYTES:
        key = sha256(key).digest()
    key = key.ljust(_BLOCK_BYTES, b"\0")
    inner = sha256(key.translate(_INNER) + challenge).digest()
    found: str = sha256(key.translate(_OUTER) + inner).hexdigest()
    return found
