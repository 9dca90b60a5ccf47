"""Put the pieces together into one description."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from types import ModuleType
from typing import Any

from cco.build_info import VERSION
from cco.daemon.api.openapi import (
    agents,
    budget,
    dashboard,
    events,
    files,
    health,
    hooks,
    leases,
    mcp,
    metrics,
    notes,
    sessions,
    shutdown,
    telemetry,
    usage,
)
from cco.daemon.api.openapi.parts import PROBLEM, TEXT, record, ref

PIECES: tuple[ModuleType, ...] = (
    health,
    hooks,
    telemetry,
    metrics,
    sessions,
    agents,
    usage,
    budget,
    events,
    leases,
    notes,
    mcp,
    dashboard,
    files,
    shutdown,
)

_ABOUT = """\
On loopback only. Requests carry the daemon's token, but for those that say that they need none; a
page of the dashboard in a browser that is signed in reads `/api/v1` with its cookie and
`X-CCO-Page` instead. A method that a path does not know is answered with 405 and `Allow`, a path
that is not there with 404; both, as every error, with a problem document (RFC 9457)."""
_PROBLEMS = {
    400: "The request is malformed; `parameter` names the query parameter that is at fault.",
    401: "The token is missing or wrong.",
    403: "A page of another origin may not write here.",
    404: "There is no such thing.",
    409: "It cannot be done as things stand.",
    413: "The body is too large.",
    415: "The body must be plain `application/json`.",
    429: "Too much of it; `Retry-After` says how long to wait.",
    421: "The `Host` is not one of the daemon's own.",
    503: "It cannot be done just now.",
}
_PROBLEM = record(
    {
        "type": {"type": "string", "format": "uri-reference"},
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": TEXT,
        "parameter": {"type": "string", "description": "The query parameter that is at fault."},
        "advice": {"type": "string", "description": "What to do next, for a person at a terminal."},
    },
    optional=["parameter", "advice"],
)


@cache
def description() -> dict[str, Any]:
    """The description of the whole API."""
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    for piece in PIECES:
        for path, operations in piece.PATHS.items():
            assert path not in paths, f"{path} is described twice"
            paths[path] = _with_head(operations)
        more = getattr(piece, "SCHEMAS", {})
        assert not schemas.keys() & more.keys(), f"{piece.__name__} describes a schema again"
        schemas |= more
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cco daemon",
            "version": VERSION,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
            "responses": {str(status): _problem(status) for status in _PROBLEMS},
        },
    }


def _problem(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": f"{HTTPStatus(status).phrase}. {_PROBLEMS[status]}",
        "content": {PROBLEM: {"schema": ref("Problem")}},
    }
    if status == HTTPStatus.UNAUTHORIZED:
        described["headers"] = {"WWW-Authenticate": {"schema": {"const": "Bearer"}}}
    return described


def _with_head(operations: Mapping[str, Any]) -> dict[str, Any]:
    """Wherever there is GET there is HEAD: the same without a body."""
    if "get" not in operations or "head" in operations:
        return dict(operations)
    get = operations["get"]
    head = {
        **get,
        "operationId": f"{get['operationId']}Head",
        "summary": "The headers of the same answer.",
        "responses": {
            status: {"description": HTTPStatus(int(status)).phrase} for status in get["responses"]
        },
    }
    return {**operations, "head": head}
