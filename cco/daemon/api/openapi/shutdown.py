"""/api/v1/shutdown."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import FLAG, answer, operation, record

PATHS = {
    "/api/v1/shutdown": {
        "post": operation(
            "postShutdown",
            "End the daemon.",
            {202: answer("It stops.", record({"status": {"const": "stopping"}}))},
            body={
                "type": "object",
                "properties": {
                    "handover": {**FLAG, "description": "Leave port and token to the next daemon."}
                },
                "additionalProperties": False,
            },
        )
    }
}
