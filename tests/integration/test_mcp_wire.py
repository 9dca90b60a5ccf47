"""The MCP endpoint by its messages, and by those that no client sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Answer, Sandbox
from tests.integration.test_http_api import assert_problem

pytestmark = pytest.mark.usefixtures("undisturbed")
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def send(
    daemon: Sandbox,
    message: object,
    headers: Mapping[str, str] | None = None,
    *,
    token: bool = True,
) -> Answer:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return daemon.request("POST", "/mcp", body, headers, token=token)


def call(method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2024-11-05", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
        (5, "2025-11-25"),
    ],
)
def test_the_handshake_agrees_on_a_revision(daemon: Sandbox, asked: object, agreed: str) -> None:
    answer = send(daemon, call("initialize", protocolVersion=asked, capabilities={}))
    assert answer.json()["result"]["protocolVersion"] == agreed
    assert "mcp-session-id" not in answer.headers
    done = send(
        daemon,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"MCP-Protocol-Version": agreed},
    )
    assert (done.status, done.body) == (202, b"")
    assert send(daemon, call("ping")).json()["result"] == {}


def test_there_is_neither_stream_nor_session(daemon: Sandbox) -> None:
    for method in ("GET", "DELETE", "PUT"):
        answer = daemon.request(method, "/mcp", headers={"Accept": "text/event-stream"})
        assert_problem(answer, 405)
        assert answer.headers["allow"] == "POST"


def test_strangers_are_kept_out(daemon: Sandbox) -> None:
    assert_problem(send(daemon, call("tools/list"), token=False), 401)
    assert_problem(send(daemon, call("tools/list"), {"Origin": "http://evil.example"}), 403)
    assert_problem(send(daemon, call("tools/list"), {"Host": "evil.example"}), 421)
    assert_problem(send(daemon, call("tools/list"), {"Content-Type": "text/plain"}), 415)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        ([], -32600),
        ([call("ping")], -32600),
        ("ping", -32600),
        ({"id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, -32600),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": [1], "method": "ping"}, -32600),
    ],
)
def test_what_is_no_message_is_refused(daemon: Sandbox, message: object, code: int) -> None:
    answer = send(daemon, message)
    assert answer.status == 400
    document = answer.json()
    assert (document["id"], document["error"]["code"]) == (None, code)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (call("resources/list"), -32601),
        (call("server/discover"), -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": []}, -32602),
        (call("tools/call", name=["note"]), -32602),
        (call("tools/call", name="note", arguments="x"), -32602),
    ],
)
def test_what_cannot_be_done_is_told(daemon: Sandbox, message: object, code: int) -> None:
    answer = send(daemon, message, {"MCP-Protocol-Version": "2025-06-18"})
    assert answer.status == 200
    assert (answer.json()["id"], answer.json()["error"]["code"]) == (1, code)


def test_answers_to_nothing_and_unknown_notifications_are_taken(daemon: Sandbox) -> None:
    for message in (
        {"jsonrpc": "2.0", "id": 7, "result": {}},
        {"jsonrpc": "2.0", "id": 7, "error": {"code": 1, "message": "no"}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
    ):
        assert send(daemon, message).status == 202


@pytest.mark.parametrize("version", ["2099-01-01", "", "x"])
def test_an_unknown_revision_is_refused(daemon: Sandbox, version: str) -> None:
    answer = send(daemon, call("ping"), {"MCP-Protocol-Version": version})
    assert answer.status == 400
    error = answer.json()["error"]
    assert error["code"] == -32022
    assert error["data"]["supported"] == ["2025-06-18", "2025-11-25", "2026-07-28"]


@pytest.mark.parametrize(
    ("method", "params", "headers", "error"),
    [
        ("tools/list", {}, {}, (400, -32602)),
        ("tools/list", {"_meta": {}}, {}, (400, -32602)),
        ("tools/list", {"_meta": ENVELOPE}, {"Mcp-Method": "tools/call"}, (400, -32020)),
        ("tools/list", {"_meta": ENVELOPE}, {"Mcp-Method": ""}, (400, -32020)),
        ("tools/call", {"_meta": ENVELOPE, "name": "note"}, {"Mcp-Name": "notes"}, (400, -32020)),
        ("tools/call", {"_meta": ENVELOPE, "name": "x"}, {"Mcp-Name": "x"}, (400, -32602)),
        ("initialize", {"_meta": ENVELOPE}, {}, (404, -32601)),
    ],
)
def test_without_a_handshake_every_request_says_it_all(
    daemon: Sandbox,
    method: str,
    params: dict[str, Any],
    headers: dict[str, str],
    error: tuple[int, int],
) -> None:
    standard = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    answer = send(daemon, call(method, **params), standard | headers)
    assert (answer.status, answer.json()["error"]["code"]) == error


def test_no_text_reaches_the_log(daemon: Sandbox, tmp_path: Path) -> None:
    for arguments in ({"text": "UNSPEAKABLE"}, {"text": "UNSPEAKABLE", "x": "UNSPEAKABLE"}):
        message = call("tools/call", name="note", arguments=arguments)
        assert send(daemon, message, {"X-CCO-Project": str(tmp_path)}).status == 200
    log = daemon.log_file
    assert b"UNSPEAKABLE" not in log.read_bytes()
