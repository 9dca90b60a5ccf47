"""/mcp, the Model Context Protocol."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import TEXT, answer, operation, record

_MESSAGE = record(
    {"jsonrpc": {"const": "2.0"}, "id": {"type": ["string", "integer", "null"]}},
    optional=["id"],
)
_SENT = record(
    {"jsonrpc": {"const": "2.0"}, "id": {"type": ["string", "integer"]}, "method": TEXT},
    optional=["id"],
)

PATHS = {
    "/mcp": {
        "post": operation(
            "postMcpMessage",
            "A message of the Model Context Protocol (streamable HTTP, answered with JSON).",
            {
                200: answer("The answer.", _MESSAGE),
                202: {"description": "A notification was taken."},
                400: answer("An error of JSON-RPC.", _MESSAGE),
                404: answer("An error of JSON-RPC: there is no such method.", _MESSAGE),
            },
            body=_SENT,
            about="What is no message, or of no revision that is spoken here, is answered with "
            "400 and an error of JSON-RPC.",
        )
    }
}
