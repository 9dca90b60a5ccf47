"""Query parameters: what each may hold, read strictly, and described as OpenAPI wants it."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn

from tornado.httputil import HTTPServerRequest

from cco.daemon.handler import Problem

MAX_TEXT_CHARS = 1_000
MAX_PAGE = 500
_MAX_NUMBER = (1 << 53) - 1
_SHOWN_CHARS = 40


@dataclass(frozen=True)
class Parameter:
    """A text."""

    name: str
    about: str
    most_chars: int = MAX_TEXT_CHARS
    default: Any = None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.most_chars}

    def read(self, text: str) -> Any:
        """Raises: Problem."""
        if not 1 <= len(text) <= self.most_chars:
            self.refuse(f"must have 1 to {self.most_chars} characters")
        return text

    def refuse(self, why: str) -> NoReturn:
        raise Problem(HTTPStatus.BAD_REQUEST, f"{self.name} {why}", parameter=self.name)


@dataclass(frozen=True)
class Choice(Parameter):
    """One of some words."""

    choices: Sequence[str] = ()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}

    def read(self, text: str) -> Any:
        if text not in self.choices:
            self.refuse(f"must be one of {', '.join(self.choices)}")
        return text


@dataclass(frozen=True)
class Number(Parameter):
    """A whole number."""

    least: int = 0
    most: int = _MAX_NUMBER

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer", **bounds, "default": self.default}

    def read(self, text: str) -> Any:
        plain = text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_NUMBER))
        if not plain or not self.least <= int(text) <= self.most:
            self.refuse(f"must be a whole number from {self.least} to {self.most}")
        return int(text)


@dataclass(frozen=True)
class Cursor(Parameter):
    """Where a page begins: the `next` of the page before it, opaque to whoever sends it."""

    name: str = "cursor"
    about: str = "The `next` of the page before."
    kinds: tuple[type, ...] = field(default=())

    def read(self, text: str) -> Any:
        try:
            place = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
        except (ValueError, RecursionError):
            place = None
        if not isinstance(place, list) or [type(one) for one in place] != list(self.kinds):
            self.refuse("must be the `next` of the page before")
        if any(isinstance(one, float) and not math.isfinite(one) for one in place):
            self.refuse("must be the `next` of the page before")
        return tuple(place)


def cursor_of(*place: Any) -> str:
    """The cursor that names a place in an order."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def page_size(default: int = 100) -> Number:
    """The parameter that says how much one answer holds."""
    return Number("limit", "How many at most.", default=default, least=1, most=MAX_PAGE)


def read_query(request: HTTPServerRequest, known: Sequence[Parameter]) -> dict[str, Any]:
    """All query parameters by name, with the defaults of those that are not given.

    Raises: Problem, naming the parameter that is unknown, repeated or malformed.
    """
    by_name: Mapping[str, Parameter] = {one.name: one for one in known}
    values = {one.name: one.default for one in known}
    for name, given in request.query_arguments.items():
        parameter = by_name.get(name)
        if parameter is None:
            shown = "".join(one if one.isprintable() else "?" for one in name[:_SHOWN_CHARS])
            takes = ", ".join(by_name) or "no parameters"
            detail = f"unknown parameter {shown!r}; this takes {takes}"
            raise Problem(HTTPStatus.BAD_REQUEST, detail, parameter=shown)
        if len(given) != 1:
            parameter.refuse("must be given once")
        try:
            text = given[0].decode()
        except UnicodeDecodeError:
            parameter.refuse("must be UTF-8")
        values[name] = parameter.read(text)
    return values
