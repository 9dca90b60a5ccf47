"""The fuzzer's own changes: each adds a bounded piece, and leaves the next one alone."""

from __future__ import annotations

import json
import random
import tracemalloc

from tests.fuzz import mutator

WORDS = ("session_id", "agents", "text")
_ESCAPED = 6
"""Characters of JSON for one of a text, at most."""


def test_no_change_makes_much_out_of_little() -> None:
    """Each builds on the one before it, as in a long run: nothing doubles."""
    dice = random.Random(2)
    added = _ESCAPED * mutator.MOST_CHANGES * mutator.MOST_ADDED_CHARS
    tracemalloc.start()
    try:
        for _ in range(20):
            data = json.dumps({"agents": [["x" * 9_000, {"text": [1, 2]}]] * 3}).encode()
            for _ in range(60):
                changed = mutator.mutate(data, WORDS, dice, max_bytes=1 << 30)
                if changed is None:
                    continue
                assert len(changed) <= _ESCAPED * len(data) + added
                data = changed if len(changed) < 200_000 else data
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 << 20


def test_a_change_leaves_nothing_to_the_next_one() -> None:
    before = json.dumps(mutator.ODD)
    dice = random.Random(2)
    for _ in range(5_000):
        mutator.mutate(b'{"a": [1], "b": {}}', WORDS, dice, max_bytes=1 << 16)
    assert json.dumps(mutator.ODD) == before


def test_nothing_large_is_multiplied() -> None:
    large = [["x" * mutator.MOST_ADDED_CHARS]]
    for seed in range(50):
        holder = [list(large)]
        mutator._repeat(holder, 0, WORDS, random.Random(seed))
        mutator._add(holder, 0, WORDS, random.Random(seed))
        assert len(json.dumps(holder)) < mutator.MOST_ADDED_CHARS + 100
