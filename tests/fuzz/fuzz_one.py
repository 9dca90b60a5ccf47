"""Fuzz one target, guided by coverage: `python -m tests.fuzz.fuzz_one NAME [libFuzzer's options]`.

Needs atheris, which `make fuzz` puts on the path.
"""

from __future__ import annotations

import random
import shlex
import sys

import atheris

from tests.fuzz.mutator import mutate
from tests.fuzz.targets import load

_OURS_SHARE = 0.6


def main() -> None:
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["cco", "yaml", "tomllib"]):
        import tomllib  # noqa: F401 - cco imports both only where it needs them

        import yaml  # noqa: F401

        target = load(name)

    def change(data: bytes, max_bytes: int, seed: int) -> bytes:
        dice = random.Random(seed)
        if dice.random() < _OURS_SHARE:
            changed = mutate(data, target.WORDS, dice, max_bytes)
            if changed is not None:
                return changed
        return bytes(atheris.Mutate(data, max_bytes))

    again = shlex.join([sys.executable, "-m", "tests.fuzz.fuzz_one", name])
    atheris.Setup([again, *arguments], target.run, custom_mutator=change)  # a merge starts itself
    atheris.Fuzz()


if __name__ == "__main__":
    main()
