"""What was found by fuzzing stays found: every kept input, through the target that it is for."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutator import mutate
from tests.fuzz.targets import MAX_BYTES, NAMES, load

CORPUS = Path(__file__).parent / "corpus"
MAX_CORPUS_BYTES = 300 * 1024
MAX_FILES_PER_TARGET = 100


@pytest.mark.parametrize("name", NAMES)
def test_every_kept_input(name: str) -> None:
    target = load(name)
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs, "a target without a corpus"
    for path in inputs:
        try:
            target.run(path.read_bytes())
        except Exception as error:
            raise AssertionError(f"{path}: {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(st.integers(0, 1 << 32))
def test_kept_inputs_changed_somewhere(name: str, seed: int) -> None:
    """A short look around the corpus, for those who do not run the fuzzer."""
    dice, target = random.Random(seed), load(name)
    data = dice.choice(sorted((CORPUS / name).iterdir())).read_bytes()
    for _ in range(dice.randrange(1, 6)):
        data = mutate(data, target.WORDS, dice, MAX_BYTES) or shaken(data, dice)
    target.run(data)


def shaken(data: bytes, dice: random.Random) -> bytes:
    """Bytes with some cut out, doubled or replaced."""
    start = dice.randrange(len(data) + 1)
    end = min(start + dice.choice((1, 1, 2, 20, 200)), len(data))
    return data[:start] + dice.choice((b"", data[start:end] * 2, dice.randbytes(3))) + data[end:]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    load(name).run(data)


def test_the_corpus_is_small_and_belongs_to_targets() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(NAMES)
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MAX_CORPUS_BYTES
    assert all(len(list((CORPUS / name).iterdir())) <= MAX_FILES_PER_TARGET for name in NAMES)
