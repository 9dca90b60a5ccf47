"""What is fuzzed: each module takes any bytes in `run`, and raises nothing unless cco has a defect.

`WORDS` are what its inputs are made of, for the fuzzer to try.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

NAMES = (
    "unsealing",
    "hooks",
    "telemetry",
    "definitions",
    "history",
    "mcp",
    "api",
    "settings",
)
MAX_BYTES = 16 * 1024
"""Of one input."""


class Target(Protocol):
    """One target."""

    WORDS: tuple[str, ...]

    def run(self, data: bytes) -> None:
        """Take in any bytes. Raises: whatever is a defect."""


def load(name: str) -> Target:
    """Import one target and what it fuzzes."""
    found: Target = import_module(f"{__name__}.{name}")
    return found
