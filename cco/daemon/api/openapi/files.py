"""/api/v1/files."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import answer, operation, record

PATHS = {
    "/api/v1/files": {
        "post": operation(
            "postFiles",
            "Put back at once what is gone of the daemon's files.",
            {200: answer("All of them are there.", record({"status": {"const": "whole"}}))},
            body={"type": "object", "properties": {}, "additionalProperties": False},
            problems=[503],
        )
    }
}
