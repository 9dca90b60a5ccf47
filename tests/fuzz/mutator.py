"""Changes of JSON in lines, which a fuzzer of bytes would hardly find."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1 << 53, (1 << 63) - 1, -(1 << 63), 1 << 64, 10**400,
    0.1, -0.0, 1e308, -1e308, 5e-324, float("inf"), [], {}, "", " ", "\0", "\n", "\r\n",
    "\ud83d",
    "\udcff", "\u202e", "\x1b[31m", "\x9b1m", "e\u0301", "\u65e5\u672c", "\U0001f600", "\ufeff",
    "NaN", "Infinity",
    "1e999", "0E+999999999", "1_000", "٣", "0x10", "-1", "9" * 80, "../../etc/passwd", "/tmp/a",
    "/proc/self/mem", "~", "C:\\a", "a" * 500, "word " * 300, "$state", "${CCO_TOKEN}", "cco:x",
)  # fmt: skip
_TRIES = 8
MOST_CHANGES = 4
MOST_ADDED_CHARS = 50_000
"""By one change, as Python writes them."""

_MOST_COUNTED = 10**1000


def mutate(data: bytes, words: Sequence[str], dice: random.Random, max_bytes: int) -> bytes | None:
    """Change one thing in one line; None where no line has JSON in it."""
    lines = data.split(b"\n")
    for _ in range(_TRIES):
        number = dice.randrange(len(lines))
        changed = _changed_line(lines[number], words, dice)
        if changed is None:
            continue
        if dice.random() < 0.1:
            lines.insert(dice.randrange(len(lines) + 1), changed)
        else:
            lines[number] = changed
        if dice.random() < 0.1:
            dice.shuffle(lines)
        whole = b"\n".join(lines)
        return whole if len(whole) <= max_bytes else None
    return None


def _changed_line(line: bytes, words: Sequence[str], dice: random.Random) -> bytes | None:
    starts = [at for at in (line.find(b"{"), line.find(b"[")) if at >= 0]
    if not starts:
        return None
    head, text = line[: min(starts)], line[min(starts) :]
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    holder = [document]
    for _ in range(dice.choice((1, 1, 2, MOST_CHANGES))):
        _change(holder, words, dice)
    try:
        told = json.dumps(holder[0], ensure_ascii=dice.random() < 0.5)
    except (ValueError, RecursionError):
        return None
    told = told.replace("Infinity", "1e999")  # which JSON has, unlike the word
    return head + told.encode(errors="replace")


def _change(holder: list[Any], words: Sequence[str], dice: random.Random) -> None:
    places: list[tuple[Any, Any]] = []
    _collect(holder, places)
    parent, key = dice.choice(places)
    dice.choice(_CHANGES)(parent, key, words, dice)


def _collect(parent: Any, places: list[tuple[Any, Any]], depth: int = 0) -> None:
    entries = parent.items() if isinstance(parent, dict) else enumerate(parent)
    for key, value in entries:
        places.append((parent, key))
        if isinstance(value, (dict, list)) and depth < 50:
            _collect(value, places, depth + 1)


def _any(words: Sequence[str], dice: random.Random) -> Any:
    """A value of its own: a shared one would grow with every change, into itself too."""
    return _copy(dice.choice(ODD)) if dice.random() < 0.6 else dice.choice(words)


def _replace(parent: Any, key: Any, words: Sequence[str], dice: random.Random) -> None:
    parent[key] = _any(words, dice)


def _remove(parent: Any, key: Any, words: Sequence[str], dice: random.Random) -> None:
    if isinstance(parent, dict) or len(parent) > 1:
        del parent[key]


def _rename(parent: Any, key: Any, words: Sequence[str], dice: random.Random) -> None:
    if isinstance(parent, dict):
        parent[dice.choice(words)] = parent.pop(key)


def _add(parent: Any, key: Any, words: Sequence[str], dice: random.Random) -> None:
    value = parent[key]
    if isinstance(value, dict):
        value[dice.choice(words)] = _any(words, dice)
    elif isinstance(value, list):
        one = dice.choice(value) if value and dice.random() < 0.5 else {}
        if _fits(one, 1):
            value.append(_copy(one))
    elif isinstance(value, str):
        parent[key] = value + str(_any(words, dice))


def _wrap(parent: Any, key: Any, words: Sequence[str], dice: random.Random) -> None:
    value = parent[key]
    parent[key] = [value] if dice.random() < 0.5 else {dice.choice(words): value}


def _unwrap(parent: Any, key: Any, words: Sequence[str], dice: random.Random) -> None:
    value = parent[key]
    inner = list(value.values()) if isinstance(value, dict) else value
    if isinstance(inner, list) and inner:
        parent[key] = dice.choice(inner)


def _repeat(parent: Any, key: Any, words: Sequence[str], dice: random.Random) -> None:
    value = parent[key]
    times = dice.choice((2, 3, 60, 250))
    if isinstance(value, str):
        parent[key] = value[:50] * times
    elif isinstance(value, list) and _fits(value[:2], times // 2):
        value += [_copy(one) for one in value[:2] * (times // 2)]


def _swap(parent: Any, key: Any, words: Sequence[str], dice: random.Random) -> None:
    keys = list(parent) if isinstance(parent, dict) else range(len(parent))
    other = dice.choice(keys)
    parent[key], parent[other] = parent[other], parent[key]


def _count(parent: Any, key: Any, words: Sequence[str], dice: random.Random) -> None:
    value = parent[key]
    if isinstance(value, (int, float)) and abs(value) < _MOST_COUNTED:
        parent[key] = dice.choice((-value, value + 1, str(value), value * 1000))


def _fits(value: Any, times: int) -> bool:
    """Whether a value may come so many times more, told before it does."""
    return len(repr(value)) * times <= MOST_ADDED_CHARS


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(one) for key, one in value.items()}
    return [_copy(one) for one in value] if isinstance(value, list) else value


_CHANGES: tuple[Callable[[Any, Any, Sequence[str], random.Random], None], ...] = (
    _replace, _replace, _replace, _remove, _rename, _add, _add, _wrap, _unwrap, _repeat, _swap,
    _count,
)  # fmt: skip
