"""Records as plain data for JSON, and back: fields that have their default are left out.

A field's annotation says how it is written; one that is not known here is a defect of whoever
added it, and shows at the first record that is written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, get_args

from cco.errors import SealedPayloadInvalid
from cco.ledger.memory import Task
from cco.ledger.records import END_OF_TIME_S, LARGEST, PastRuns, RunStatus, Usage
from cco.ledger.totals import AgentTotals

_LARGEST_COUNT = 10**100

_T = TypeVar("_T")
_Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]
_Field = tuple[str, Callable[[Any], Any], Callable[[Any], Any], Any]
_known_fields: dict[type[Any], list[_Field]] = {}
_USAGE = tuple(one.name for one in fields(Usage))


def to_plain(record: Any, *, without: Collection[str] = ()) -> dict[str, Any]:
    """The fields of a record that differ from their defaults."""
    return {
        name: encode(value)
        for name, encode, _, default in _fields(type(record))
        if name not in without and (value := getattr(record, name)) != default
    }


def from_plain(kind: type[_T], plain: object) -> _T:
    """A record from what `to_plain` made. Fields that are not known are left out.

    Raises: SealedPayloadInvalid.
    """
    given = mapping(plain)
    try:
        return kind(
            **{name: decode(given[name]) for name, _, decode, _ in _fields(kind) if name in given}
        )
    except TypeError as error:  # a field without a default is not there
        raise SealedPayloadInvalid(f"a {kind.__name__} is not whole: {error}") from None


def update(record: Any, plain: object) -> None:
    """Set the fields of a record that are told.

    Raises: SealedPayloadInvalid.
    """
    given = mapping(plain)
    for name, _, decode, _ in _fields(type(record)):
        if name in given:
            setattr(record, name, decode(given[name]))


def mapping(plain: object) -> Mapping[str, Any]:
    """What must be an object.

    Raises: SealedPayloadInvalid.
    """
    if not isinstance(plain, dict):
        raise SealedPayloadInvalid("a record is no object")
    return plain


def items(plain: object) -> list[Any]:
    """What must be a list.

    Raises: SealedPayloadInvalid.
    """
    if not isinstance(plain, list):
        raise SealedPayloadInvalid("a record is no list")
    return plain


def count(plain: object) -> int:
    """What must be a whole number.

    Raises: SealedPayloadInvalid.
    """
    if type(plain) is not int:
        raise SealedPayloadInvalid("a record is no number")
    return plain


def _fields(kind: type[Any]) -> list[_Field]:
    """Name, encoder, decoder and default of each field that is written."""
    found = _known_fields.get(kind)
    if found is not None:
        return found
    found = _known_fields[kind] = []
    for one in fields(kind):
        default = one.default if one.default_factory is MISSING else one.default_factory()
        if str(one.type) not in _APART:
            encode, decode = _CODECS[str(one.type)]
            found.append((one.name, encode, decode, default))
    return found


_APART = frozenset(("dict[str, AgentRun]", "Memory", "Waits"))
"""Written by themselves, since they are large, or not at all, since they do not last."""


def _scalar(*kinds: type) -> _Codec:
    def decode(plain: Any) -> Any:
        if type(plain) not in kinds or not _is_reasonable(plain):
            raise SealedPayloadInvalid(f"a record holds {type(plain).__name__} in a wrong place")
        return plain

    return _same, decode


def _is_reasonable(plain: Any) -> bool:
    """Whether a number is one that can be added to and written down again."""
    if type(plain) is float:
        return -LARGEST <= plain <= LARGEST
    return type(plain) is not int or -_LARGEST_COUNT <= plain <= _LARGEST_COUNT


def _hour(plain: Any) -> Any:
    if type(plain) is not int or not 0 <= plain < END_OF_TIME_S:
        raise SealedPayloadInvalid("a record holds no hour where one must be")
    return plain


def _status(plain: Any) -> Any:
    if plain not in get_args(RunStatus):
        raise SealedPayloadInvalid("a run has a status that is none")
    return plain


def _same(value: Any) -> Any:
    return value


def _name(*kinds: type) -> _Codec:
    """Texts that many records share: each is in memory once."""
    encode, check = _scalar(str, *kinds)

    def decode(plain: Any) -> Any:
        return sys.intern(plain) if isinstance(plain, str) else check(plain)

    return encode, decode


def _list_of(one: _Codec) -> _Codec:
    return (
        lambda values: [one[0](value) for value in values],
        lambda plain: [one[1](value) for value in items(plain)],
    )


def _dict_of(key: _Codec, value: _Codec) -> _Codec:
    """As pairs, since JSON's names are texts only."""

    def decode(plain: Any) -> dict[Any, Any]:
        return dict(_decoded_pairs(items(plain), key[1], value[1]))

    return lambda entries: [[key[0](k), value[0](v)] for k, v in entries.items()], decode


def _decoded_pairs(
    pairs: Iterable[Any], key: Callable[[Any], Any], value: Callable[[Any], Any]
) -> Iterable[tuple[Any, Any]]:
    for pair in pairs:
        first, second = _two(pair)
        yield key(first), value(second)


def _two(plain: Any) -> tuple[Any, Any]:
    if len(items(plain)) != 2:
        raise SealedPayloadInvalid("a record holds no pair where one must be")
    return plain[0], plain[1]


def _record(kind: type[Any]) -> _Codec:
    return to_plain, lambda plain: from_plain(kind, plain)


def _usage_from(plain: Any) -> Usage:
    """Counts in the order of the fields; those that came to be later are zero."""
    counts = items(plain)
    if len(counts) > len(_USAGE) or not all(map(_is_count, counts)):
        raise SealedPayloadInvalid("a record holds no usage where one must be")
    return Usage(*counts)


def _is_count(plain: Any) -> bool:
    return type(plain) is int and _is_reasonable(plain)


_TEXT = _scalar(str)
_COUNT = _scalar(int)
_USAGE_CODEC: _Codec = (lambda usage: [getattr(usage, name) for name in _USAGE], _usage_from)
_TWO_TEXTS: _Codec = (list, lambda plain: tuple(map(_TEXT[1], _two(plain))))
_CODECS: dict[str, _Codec] = {
    "str": _TEXT,
    "int": _COUNT,
    "bool": _scalar(bool),
    "float": _scalar(float, int),
    "str | None": _name(type(None)),
    "RunStatus": (_same, _status),
    "int | None": _scalar(int, type(None)),
    "float | None": _scalar(float, int, type(None)),
    "list[str]": _list_of(_TEXT),
    "dict[str, str]": _dict_of(_TEXT, _TEXT),
    "dict[str, Task]": _dict_of(_TEXT, _record(Task)),
    "Usage": _USAGE_CODEC,
    "dict[str, Usage]": _dict_of(_name(), _USAGE_CODEC),
    "dict[str, Usage] | None": _dict_of(_name(), _USAGE_CODEC),  # None is the default
    "dict[int, Usage]": _dict_of((_same, _hour), _USAGE_CODEC),
    "dict[tuple[str, str], Usage]": _dict_of(_TWO_TEXTS, _USAGE_CODEC),
    "dict[str, PastRuns]": _dict_of(_name(), _record(PastRuns)),
    "dict[str, AgentTotals]": _dict_of(_TEXT, _record(AgentTotals)),
}
