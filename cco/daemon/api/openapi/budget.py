"""/api/v1/budget."""

from __future__ import annotations

from cco.config import MAX_BUDGET_USD
from cco.daemon.api.openapi.parts import (
    AMOUNT,
    TEXT,
    Schema,
    answer,
    list_of,
    operation,
    record,
    ref,
)

_LIMIT: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_BUDGET_USD}
_STANDING: dict[str, Schema] = {
    "spent_usd": AMOUNT,
    "limit_usd": {"type": ["number", "null"], "description": "Null where there is no limit."},
    "used_percent": {"type": ["integer", "null"], "minimum": 0, "description": "Rounded down."},
    "state": {"enum": ["unlimited", "under", "near", "reached"]},
}
_ANSWER = {200: answer("How all budgets stand.", ref("Budgets"))}

PATHS = {
    "/api/v1/budget": {
        "get": operation("getBudgets", "Today's budget and those of running sessions.", _ANSWER),
        "put": operation(
            "putBudget",
            "Give a session, or today, another budget.",
            _ANSWER,
            body={
                "oneOf": [
                    {
                        "type": "object",
                        "properties": {
                            "limit_usd": _LIMIT,
                            "session_id": TEXT,
                            "day": {"const": False},
                        },
                        "required": ["limit_usd", "session_id"],
                        "additionalProperties": False,
                    },
                    {
                        "type": "object",
                        "properties": {
                            "limit_usd": _LIMIT,
                            "day": {"const": True},
                        },
                        "required": ["limit_usd", "day"],
                        "additionalProperties": False,
                    },
                ]
            },
            problems=[404],
        ),
    }
}

SCHEMAS = {
    "Budgets": record(
        {
            "day": record({"date": {"type": "string", "format": "date"}} | _STANDING),
            "sessions": list_of(record({"session_id": TEXT, "project": TEXT} | _STANDING)),
        }
    )
}
