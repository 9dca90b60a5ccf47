"""What descriptions are made of.

A piece is a module with `PATHS` (path templates to operations by method) and, where its answers
have schemas of their own, `SCHEMAS` by name. `document.PIECES` lists all pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cco.daemon.api.parameters import Parameter

Schema = dict[str, Any]

JSON = "application/json"
PROBLEM = "application/problem+json"
EVERYWHERE = (400, 401, 421)
"""Problems that every request with a token may meet: malformed, no token, a foreign Host."""
OPEN = (400, 421)
"""And those of requests without one."""
WRITES = (403, 415)
"""And those of writes, besides: a foreign Origin, a body that is no plain JSON."""

TEXT: Schema = {"type": "string"}
NAME_OR_NULL: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
AMOUNT: Schema = {"type": "number", "minimum": 0}
TIME: Schema = {"type": "number", "description": "Seconds since the epoch."}
TIME_OR_NULL: Schema = {**TIME, "type": ["number", "null"]}
FLAG: Schema = {"type": "boolean"}
NEXT: Schema = {
    "type": ["string", "null"],
    "description": "The `cursor` of the page that follows; null on the last one.",
}


def ref(name: str) -> Schema:
    """A schema that stands elsewhere."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def record(properties: Mapping[str, Schema], *, optional: Iterable[str] = ()) -> Schema:
    """An object that has all of these, but perhaps the optional ones."""
    required = [name for name in properties if name not in set(optional)]
    return {"type": "object", "properties": dict(properties), "required": required}


def operation(
    operation_id: str,
    summary: str,
    answers: Mapping[int, Mapping[str, Any]],
    *,
    query: Iterable[Parameter] = (),
    more_parameters: Iterable[Mapping[str, Any]] = (),
    body: Schema | None = None,
    problems: Iterable[int] = (),
    about: str = "",
    open_to_all: bool = False,
) -> dict[str, Any]:
    """One method of one path; the problems that every request may meet are added, but those that
    it answers in a way of its own."""
    statuses = {*(OPEN if open_to_all else EVERYWHERE), *problems}
    described: dict[str, Any] = {
        "operationId": operation_id,
        "summary": summary,
        "parameters": [*map(query_parameter, query), *map(dict, more_parameters)],
        "responses": {str(status): dict(answers[status]) for status in answers},
    }
    if about:
        described["description"] = about
    if open_to_all:
        described["security"] = []
    if body is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
        statuses |= set(WRITES)
    for status in sorted(statuses - answers.keys()):
        described["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}
    return described


def answer(about: str, schema: Schema, media_type: str = JSON) -> dict[str, Any]:
    """An answer with a body."""
    return {"description": about, "content": {media_type: {"schema": schema}}}


def query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.about,
        "schema": parameter.schema(),
    }


def path_parameter(name: str, schema: Schema, about: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": about}
