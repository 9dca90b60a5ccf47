"""What hypothesis draws for the tests of sealing."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from cco.sealing.keys import Identity
from cco.sealing.names import SEALED

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
IDENTITIES = st.builds(Identity, TEXT, TEXT, st.binary(min_size=1, max_size=100))
NAMES = st.sampled_from(SEALED)
NONCES = st.binary(min_size=16, max_size=16)
PLAINTEXTS = st.binary(max_size=200)
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
