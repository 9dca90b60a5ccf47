"""POST /mcp: JSON-RPC over streamable HTTP, every request answered for itself, with plain JSON.

There are no sessions and no stream: only POST is there, as the transport allows.

Source: modelcontextprotocol.io/specification, revisions 2025-06-18 and 2025-11-25 (with a
handshake) and 2026-07-28 (every request carries what the handshake settled).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from cco.build_info import VERSION
from cco.claude.plugin import NAME
from cco.daemon.handler import BaseHandler, Problem
from cco.daemon.mcp.callers import Caller
from cco.daemon.mcp.tools import TOOLS, ToolError, call_tool
from cco.ledger.projects import project_of

HANDSHAKE_VERSIONS = ("2025-06-18", "2025-11-25")
ENVELOPE_VERSION = "2026-07-28"
VERSIONS = (*HANDSHAKE_VERSIONS, ENVELOPE_VERSION)
PROJECT_HEADER = "X-CCO-Project"
TOOL_USE_KEY = "claudecode/toolUseId"

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022
_META = "io.modelcontextprotocol/"
_LIST_TTL_MS = 3_600_000
_SERVER = {"name": NAME, "version": VERSION}
_CAPABILITIES: dict[str, Any] = {"tools": {}}


class RpcError(Exception):
    """An answer that is an error of the protocol, not of a tool."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class McpHandler(BaseHandler):
    """One message in, one answer out."""

    def post(self) -> None:
        message: dict[str, Any] = {}
        try:
            message = self._message()
            version = self._version()
            if "id" not in message:  # a notification, or an answer to what was never asked
                self.set_status(HTTPStatus.ACCEPTED)
                self.finish()
                return
            params = message.get("params", {})
            if not isinstance(params, dict):
                raise RpcError(INVALID_PARAMS, "params must be an object")
            by_envelope = version == ENVELOPE_VERSION
            if by_envelope:
                self._check_envelope(message["method"], params)
            result = self._result(message["method"], params, by_envelope=by_envelope)
        except RpcError as error:
            self._fail(message.get("id"), error)
            return
        self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})

    def _message(self) -> dict[str, Any]:
        try:
            message = self.json_body()
        except Problem as problem:
            raise RpcError(PARSE_ERROR, problem.detail) from None
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            raise RpcError(INVALID_REQUEST, "the body must be one JSON-RPC 2.0 message")
        if "method" not in message and ("result" in message or "error" in message):
            return {}
        if not isinstance(message.get("method"), str):
            raise RpcError(INVALID_REQUEST, "the message has no method")
        if "id" in message and (
            isinstance(message["id"], bool) or not isinstance(message["id"], str | int)
        ):
            raise RpcError(INVALID_REQUEST, "the id must be a string or an integer")
        return message

    def _version(self) -> str | None:
        """The revision that the request says it follows; none says it before the handshake."""
        given = self.request.headers.get_list("MCP-Protocol-Version")
        if given and (len(given) > 1 or given[0] not in VERSIONS):
            told = {"supported": list(VERSIONS), "requested": given[0]}
            raise RpcError(UNSUPPORTED_VERSION, "Unsupported protocol version", told)
        return given[0] if given else None

    def _check_envelope(self, method: str, params: Mapping[str, Any]) -> None:
        meta = params.get("_meta")
        needed = (f"{_META}protocolVersion", f"{_META}clientCapabilities")
        if not isinstance(meta, dict) or not all(key in meta for key in needed):
            raise RpcError(INVALID_PARAMS, f"params._meta must have {' and '.join(needed)}")
        expected = {
            "MCP-Protocol-Version": meta[needed[0]],
            "Mcp-Method": method,
        }
        if method == "tools/call":
            expected["Mcp-Name"] = params.get("name")
        for header, value in expected.items():
            if self.request.headers.get_list(header) != [value]:
                raise RpcError(HEADER_MISMATCH, f"the header {header} does not match the body")

    def _result(
        self, method: str, params: Mapping[str, Any], *, by_envelope: bool
    ) -> dict[str, Any]:
        complete = {"resultType": "complete", "_meta": {f"{_META}serverInfo": _SERVER}}
        lasting = {"ttlMs": _LIST_TTL_MS, "cacheScope": "private"}
        if method == "tools/list":
            tools = {"tools": [tool.document() for tool in TOOLS.values()]}
            return {**tools, **complete, **lasting} if by_envelope else tools
        if method == "tools/call":
            called = self._call(params)
            return {**called, **complete} if by_envelope else called
        if by_envelope and method == "server/discover":
            known = {"supportedVersions": list(VERSIONS), "capabilities": _CAPABILITIES}
            return {**known, **complete, **lasting}
        if not by_envelope and method == "initialize":
            asked = params.get("protocolVersion")
            agreed = asked if asked in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
            return {
                "protocolVersion": agreed,
                "capabilities": _CAPABILITIES,
                "serverInfo": _SERVER,
            }
        if not by_envelope and method == "ping":
            return {}
        raise RpcError(METHOD_NOT_FOUND, "Method not found")

    def _call(self, params: Mapping[str, Any]) -> dict[str, Any]:
        name, arguments = params.get("name"), params.get("arguments", {})
        tool = TOOLS.get(name) if isinstance(name, str) else None
        if tool is None:
            raise RpcError(INVALID_PARAMS, f"Unknown tool; there are {', '.join(TOOLS)}")
        if not isinstance(arguments, dict):
            raise RpcError(INVALID_PARAMS, "arguments must be an object")
        try:
            told = call_tool(self.state, self._caller(params), tool, arguments)
        except ToolError as error:
            return {"content": [{"type": "text", "text": str(error)}], "isError": True}
        text = json.dumps(told, ensure_ascii=False)
        return {
            "content": [{"type": "text", "text": text}],
            "structuredContent": told,
            "isError": False,
        }

    def _caller(self, params: Mapping[str, Any]) -> Caller | None:
        """Who calls: by the announced id of the call, or by the header of another client."""
        meta = params.get("_meta")
        use_id = meta.get(TOOL_USE_KEY) if isinstance(meta, dict) else None
        if (caller := self.state.callers.find(use_id)) is not None:
            return caller
        folder = _text(self.request.headers.get(PROJECT_HEADER, ""))
        project = project_of(folder)
        return Caller(project, "another client", folder=folder) if project else None

    def _fail(self, message_id: object, error: RpcError) -> None:
        """Over HTTP a message that cannot be taken is 400; what was taken is answered with 200,
        unless the revision ties statuses to errors."""
        versions = self.request.headers.get_list("MCP-Protocol-Version")
        status = HTTPStatus.OK
        if error.code == METHOD_NOT_FOUND and versions == [ENVELOPE_VERSION]:
            status = HTTPStatus.NOT_FOUND
        elif error.code not in (METHOD_NOT_FOUND, INVALID_PARAMS) or versions == [ENVELOPE_VERSION]:
            status = HTTPStatus.BAD_REQUEST
        told = {"code": error.code, "message": str(error)}
        if error.data is not None:
            told["data"] = error.data
        self.send({"jsonrpc": "2.0", "id": message_id, "error": told}, status)


def _text(header: str) -> str:
    """A header's text, which HTTP leaves as bytes, as the UTF-8 that a path is."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return ""
