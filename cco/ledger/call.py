"""One call of the model, as the attributes of its telemetry record tell it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from cco.ledger.records import NANOS_PER_USD, Usage

_NUMBER_CHARS = 64
_MODEL_CHARS = 120
_STATUSES = range(100, 600)
_MAX_USD = 1_000_000_000


def usage_of(attributes: Mapping[str, Any]) -> Usage:
    """The usage of one call; a figure that makes no sense counts nothing."""
    return Usage(
        calls=1,
        input_tokens=_count(attributes.get("input_tokens")),
        output_tokens=_count(attributes.get("output_tokens")),
        cache_read_tokens=_count(attributes.get("cache_read_tokens")),
        cache_creation_tokens=_count(attributes.get("cache_creation_tokens")),
        cost_nanousd=_nanousd(attributes.get("cost_usd")),
        duration_ms=_count(attributes.get("duration_ms")),
    )


def failure_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Why a call failed, in figures: what the API wrote may have words of the conversation.

    `status_code` is None where no answer came.
    """
    status = _count(attributes.get("status_code"))
    model = attributes.get("model")
    return {
        "status_code": status if status in _STATUSES else None,
        "attempt": _count(attributes.get("attempt")) or 1,
        "model": model[:_MODEL_CHARS] if isinstance(model, str) else None,
    }


def _count(value: object) -> int:
    """A count from an attribute, which may be a number or its text; nonsense counts nothing."""
    number = _decimal(value)
    return int(number) if 0 <= number < 1 << 53 else 0


def _nanousd(value: object) -> int:
    """Dollars to whole nano-dollars, so that sums are exact and free of binary fractions."""
    usd = _decimal(value)
    return round(usd * NANOS_PER_USD) if 0 <= usd < _MAX_USD else 0


def _decimal(value: object) -> Decimal:
    """A finite number; -1 for anything else. It may be huge: compare before converting it."""
    try:
        number = Decimal(str(value)[:_NUMBER_CHARS])
    except InvalidOperation:
        return Decimal(-1)
    return number if number.is_finite() else Decimal(-1)
