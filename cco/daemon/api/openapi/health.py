"""/health and the description itself."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import AMOUNT, TEXT, answer, operation, record

_HEX = {"type": "string", "pattern": "^([0-9a-fA-F]{2}){16,128}$"}

PATHS = {
    "/health": {
        "get": operation(
            "getHealth",
            "Whether the daemon is alive, and whether it is the one that knows the token.",
            {
                200: answer(
                    "It is alive.",
                    record(
                        {
                            "status": {"const": "ok"},
                            "version": TEXT,
                            "instance": {"type": "string", "description": "New at each start."},
                            "uptime_s": AMOUNT,
                            "proof": {
                                "type": "string",
                                "description": "HMAC-SHA256 over the challenge's bytes under the "
                                "token's ASCII bytes, in hex.",
                            },
                        },
                        optional=["proof"],
                    ),
                )
            },
            more_parameters=[
                {
                    "name": "challenge",
                    "in": "query",
                    "description": "16 to 128 bytes in hex, to be answered with a proof.",
                    "schema": _HEX,
                }
            ],
            open_to_all=True,
        )
    },
    "/api/v1/openapi.json": {
        "get": operation(
            "getDescription",
            "This description.",
            {
                200: answer(
                    "OpenAPI 3.1.",
                    {
                        "type": "object",
                        "properties": {"openapi": {"const": "3.1.0"}},
                        "required": ["openapi", "info", "paths", "components"],
                        "additionalProperties": True,
                    },
                )
            },
        )
    },
}
