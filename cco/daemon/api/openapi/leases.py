"""/api/v1/leases."""

from __future__ import annotations

from cco.daemon.api.leases import LEASES_PARAMETERS
from cco.daemon.api.openapi.parts import (
    NAME_OR_NULL,
    TEXT,
    TIME,
    answer,
    list_of,
    operation,
    record,
    ref,
)

_WHO = {
    "session_id": TEXT,
    "agent_id": {**NAME_OR_NULL, "description": "Null for the session's own conversation."},
    "agent": NAME_OR_NULL,
    "tool": TEXT,
}

PATHS = {
    "/api/v1/leases": {
        "get": operation(
            "listLeases",
            "Who is editing what; of one file also who changed it last.",
            {200: answer("The leases, the oldest first.", ref("Leases"))},
            query=LEASES_PARAMETERS,
        )
    }
}

SCHEMAS = {
    "Lease": record({"path": TEXT, **_WHO, "since": TIME}),
    "Leases": record(
        {
            "leases": list_of(ref("Lease")),
            "path": {**TEXT, "description": "With `path`: the file, resolved."},
            "changed": {
                "oneOf": [{"type": "null"}, record({**_WHO, "at": TIME})],
                "description": "With `path`: its last edit that was seen; null where none was.",
            },
        },
        optional=["path", "changed"],
    ),
}
