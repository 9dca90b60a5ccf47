"""/v1/logs and /v1/metrics."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import Schema, answer, list_of, operation, record

_TAKEN = answer("Taken in.", record({"partialSuccess": {"type": "object", "properties": {}}}))
_THING: Schema = {"type": "object", "additionalProperties": True}


def _or_left_out(schema: Schema) -> Schema:
    """Null is as good as nothing in protobuf's JSON."""
    return {**schema, "type": [schema["type"], "null"]}


_ATTRIBUTES = _or_left_out(
    list_of(
        {
            "type": "object",
            "properties": {"key": {}, "value": _or_left_out(_THING)},
            "additionalProperties": True,
        }
    )
)


def _holding(name: str, inner: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {name: _or_left_out(list_of(inner))},
        "additionalProperties": True,
    }


_LOGS = _holding(
    "resourceLogs",
    _holding(
        "scopeLogs",
        _holding(
            "logRecords",
            {
                "type": "object",
                "properties": {"attributes": _ATTRIBUTES},
                "additionalProperties": True,
            },
        ),
    ),
)
_METRICS = _holding("resourceMetrics", _holding("scopeMetrics", _holding("metrics", _THING)))
_ABOUT = "OTLP/HTTP with a JSON body; what of it is not cco's business is left alone."

PATHS = {
    "/v1/logs": {
        "post": operation("postLogs", "Log records.", {200: _TAKEN}, body=_LOGS, about=_ABOUT)
    },
    "/v1/metrics": {
        "post": operation(
            "postMetrics", "Metric points.", {200: _TAKEN}, body=_METRICS, about=_ABOUT
        )
    },
}
