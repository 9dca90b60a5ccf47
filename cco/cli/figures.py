"""Figures as people read them: durations, tokens, dollars, counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COMPACT_FROM = 10_000
_THOUSANDS_BELOW = 999_950
_CENT = 0.01
_UNITS = ("", "K", "M", "G")


def clock(seconds: float) -> str:
    """A duration in hours, minutes and seconds."""
    minutes, rest = divmod(max(int(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def tokens(usage: Mapping[str, Any]) -> int:
    """All tokens of a usage record, cached ones included."""
    kinds = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    return sum(int(usage[kind]) for kind in kinds)


def cost(usage: Mapping[str, Any]) -> str:
    """The cost of a usage record."""
    return exact_usd(usage["cost_usd"])


def exact_usd(amount: float) -> str:
    """Dollars to the hundredth of a cent, as what was spent is told."""
    return f"${amount:.4f}"


def spent_of(budget: Mapping[str, Any]) -> str:
    """What is spent of a budget that has a limit."""
    percent = budget.get("used_percent")
    used = "" if percent is None else f" ({percent} %)"
    return f"{_usd(budget['spent_usd'])} of {_usd(budget['limit_usd'])}{used}"


def _usd(amount: float) -> str:
    """Dollars; less than a cent is not nothing."""
    return f"${amount:.{4 if 0 < amount < _CENT else 2}f}"


def model_time(usage: Mapping[str, Any]) -> str:
    """The time that the model's calls took."""
    return f"{usage['duration_ms'] / 1000:.1f}s"


def compact(number: int) -> str:
    """A figure to be read at a glance: exact below ten thousand, then to a decimal."""
    if number < _COMPACT_FROM:
        return str(number)
    power = 1 if number < _THOUSANDS_BELOW else 2 if number < 1000 * _THOUSANDS_BELOW else 3
    return f"{number / 1000**power:.1f}{_UNITS[power]}"


def count(number: int, noun: str) -> str:
    """A number of things, as a sentence has it."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
