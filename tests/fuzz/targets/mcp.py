"""JSON-RPC to the MCP endpoint, with hooks that say whose the calls are."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from cco.daemon.mcp.handler import TOOL_USE_KEY, VERSIONS
from cco.daemon.mcp.tools import TOOLS
from tests.fuzz import books
from tests.fuzz.in_process import Daemon, in_loop, strict_json
from tests.fuzz.script import play

WORDS = (
    *TOOLS,
    *VERSIONS,
    TOOL_USE_KEY,
    *"""
    POST /mcp /hooks/PreToolUse MCP-Protocol-Version: Mcp-Method: Mcp-Name: X-CCO-Project:
    jsonrpc 2.0 id method params result error _meta name arguments protocolVersion tools/list
    tools/call server/discover initialize ping notifications/initialized
    io.modelcontextprotocol/protocolVersion io.modelcontextprotocol/clientCapabilities
    text path query limit task session_id cwd tool_name tool_use_id mcp__plugin_cco_cco__note /tmp
    """.split(),
)


@in_loop
def run(data: bytes) -> None:
    """Every answer is one of JSON-RPC's, and a tool's result has the form that it announces."""
    daemon = Daemon()
    for path, _, answer in play(daemon, data, "/mcp", "/hooks/PreToolUse"):
        if path != "/mcp" or b"jsonrpc" not in answer.body[:20]:
            continue
        document = strict_json(answer.body)
        assert document["jsonrpc"] == "2.0"
        assert ("result" in document) != ("error" in document)
        if "error" in document:
            assert type(document["error"]["code"]) is int
            assert document["error"]["message"]
            continue
        assert answer.status == HTTPStatus.OK
        assert type(document["id"]) in (str, int)
        if "structuredContent" in document["result"]:
            check_result(document["result"])
    books.check(daemon)


def check_result(result: dict[str, Any]) -> None:
    """What a tool gives is just what it says that it gives."""
    told = result["structuredContent"]
    assert any(set(told) == set(tool.gives) for tool in TOOLS.values()), told
    assert [strict_json(one["text"].encode(errors="replace")) for one in result["content"]] == [
        told
    ]
