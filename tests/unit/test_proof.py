"""The light HMAC of the hot path is HMAC-SHA256."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.daemon.proof import proof


@given(st.text(), st.binary())
def test_it_is_the_standard_librarys(token: str, challenge: bytes) -> None:
    key = token.encode(errors="replace").decode()
    assert proof(key, challenge) == hmac.new(key.encode(), challenge, "sha256").hexdigest()


@pytest.mark.parametrize(
    ("key", "data", "expected"),
    [
        ("\x0b" * 20, b"Hi There",
         "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        ("Jefe", b"what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ],
)  # fmt: skip
def test_published_vectors(key: str, data: bytes, expected: str) -> None:
    """RFC 4231, 4.2 and 4.3."""
    assert proof(key, data) == expected


def test_keys_around_the_block_size() -> None:
    for length in (0, 63, 64, 65, 200):
        key = "k" * length
        assert proof(key, b"x") == hmac.new(key.encode(), b"x", "sha256").hexdigest()
