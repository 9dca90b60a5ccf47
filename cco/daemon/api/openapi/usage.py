"""/api/v1/usage, and the usage record that others hold."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import (
    AMOUNT,
    COUNT,
    TEXT,
    Schema,
    answer,
    list_of,
    operation,
    record,
    ref,
)
from cco.daemon.api.resources import USAGE_PARAMETERS

USAGE: dict[str, Schema] = {
    "calls": COUNT,
    "input_tokens": COUNT,
    "output_tokens": COUNT,
    "cache_read_tokens": COUNT,
    "cache_creation_tokens": COUNT,
    "duration_ms": COUNT,
    "cost_usd": {**AMOUNT, "description": "The client's own figures, added to the nano-dollar."},
}
"""A usage record's fields, for rows that have more."""

_HOUR = {"type": "string", "format": "date-time", "description": "When it began, in UTC."}

PATHS = {
    "/api/v1/usage": {
        "get": operation(
            "getUsage",
            "Tokens, cost and time by agent, model, project, hour and session.",
            {200: answer("The dearest first; hours in their order.", ref("UsageReport"))},
            query=USAGE_PARAMETERS,
            problems=[404],
        )
    }
}

SCHEMAS = {
    "Usage": record(USAGE),
    "UsageReport": record(
        {
            "total": ref("Usage"),
            "agents": list_of(record({"agent": TEXT, "runs": COUNT, "tool_calls": COUNT} | USAGE)),
            "models": list_of(record({"model": TEXT} | USAGE)),
            "projects": list_of(record({"project": TEXT} | USAGE)),
            "hours": list_of(record({"hour": _HOUR} | USAGE)),
            "sessions": list_of(record({"session_id": TEXT, "project": TEXT} | USAGE)),
            "folded_sessions": {
                **COUNT,
                "description": "Sessions too old to be kept one by one; the row "
                "`(earlier sessions)` adds them up.",
            },
            "foreign": {
                **record({"sessions": COUNT} | USAGE),
                "description": "Sessions that cco did not launch; they count nowhere else.",
            },
        }
    ),
}
