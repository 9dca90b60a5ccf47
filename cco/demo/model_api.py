"""A scripted Messages API on loopback: a real client works without account or network.

A *script* is a function from the request to the reply's content blocks. The server records
every request and the token usage it claimed for it: what the daemon later counts can be
compared with what was really handed out.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

MAX_REQUEST_BYTES = 32 * 1024 * 1024
SUMMARY_MARKER = "Your task is to create a detailed summary of the conversation"

Block = Mapping[str, Any]


def text(value: str) -> Block:
    """Make a text block."""
    return {"type": "text", "text": value}


def tool_use(name: str, tool_input: Mapping[str, Any]) -> Block:
    """Make a block that asks the client to run one of its tools; the server numbers it."""
    return {"type": "tool_use", "name": name, "input": dict(tool_input)}


@dataclass(frozen=True)
class Usage:
    """Tokens claimed for one reply."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


@dataclass(frozen=True)
class ModelRequest:
    """One request of the client as it arrived."""

    number: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def model(self) -> str:
        return str(self.body.get("model", ""))

    @property
    def system_text(self) -> str:
        """The system prompt, joined."""
        return "\n".join(_texts(self.body.get("system")))

    @property
    def conversation_text(self) -> str:
        """Every text of the messages, tool results and system messages included."""
        return "\n".join(
            piece
            for message in self.body.get("messages", ())
            for piece in _texts(message.get("content"))
        )

    @property
    def last_user_text(self) -> str:
        """The texts of the last message that is not the assistant's or a system message."""
        for message in reversed(self.body.get("messages", ())):
            if message.get("role") == "user":
                return "\n".join(_texts(message.get("content")))
        return ""

    @property
    def tool_names(self) -> list[str]:
        return [str(tool.get("name", "")) for tool in self.body.get("tools", ())]

    @property
    def is_compaction(self) -> bool:
        """Whether the client asks for the summary of a conversation."""
        return SUMMARY_MARKER in self.last_user_text

    def tool_results(self) -> list[str]:
        """The texts of all tool results so far, in order."""
        return [
            "\n".join(_texts(block.get("content")))
            for message in self.body.get("messages", ())
            if isinstance(message.get("content"), list)
            for block in message["content"]
            if block.get("type") == "tool_result"
        ]


Script = Callable[[ModelRequest], Sequence[Block]]


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for block in content:
            if isinstance(block, dict):
                if isinstance(block.get("text"), str):
                    yield block["text"]
                else:
                    yield from _texts(block.get("content"))


def claimed_usage(request: ModelRequest) -> Usage:
    """Figures that differ from request to request, so that none can stand for another."""
    return Usage(
        input_tokens=100 + request.number,
        output_tokens=10 + request.number,
        cache_read_input_tokens=1000 + request.number,
        cache_creation_input_tokens=request.number,
    )


class ModelServer:
    """Serve a script on a free loopback port until closed.

    Requests that the client makes for its own purposes (titles, token counts) are answered too.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.usage_of: Callable[[ModelRequest], Usage] = claimed_usage
        """What is claimed for the reply to a request."""
        self.requests: list[ModelRequest] = []
        self.usages: list[Usage] = []
        self.failures: list[str] = []
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving and release the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def record(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> ModelRequest:
        """Keep a request, numbered in order of arrival from 1."""
        with self._lock:
            request = ModelRequest(len(self.requests) + 1, body, headers)
            self.requests.append(request)
            return request

    def reply(self, request: ModelRequest) -> tuple[list[dict[str, Any]], Usage]:
        """Run the script; give its blocks their ids and the reply its usage."""
        blocks = []
        for index, block in enumerate(self.script(request)):
            copy = dict(block)
            if copy["type"] == "tool_use":
                copy["id"] = f"toolu_{request.number:05d}_{index:02d}"
            blocks.append(copy)
        usage = self.usage_of(request)
        with self._lock:
            self.usages.append(usage)
        return blocks, usage


class _Server(ThreadingHTTPServer):
    def __init__(self, model: ModelServer) -> None:
        self.model = model
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _model(self) -> ModelServer:
        assert isinstance(self.server, _Server)
        return self.server.model

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the terminal clean."""

    def do_HEAD(self) -> None:
        self._send_json(200, {})

    def do_GET(self) -> None:
        self._send_json(404, _error("not_found_error", "the script has no such resource"))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_REQUEST_BYTES:
            self.close_connection = True
            self._send_json(413, _error("request_too_large", "request too large"))
            return
        body = self.rfile.read(length)
        path = self.path.split("?")[0]
        if path == "/v1/messages/count_tokens":
            self._send_json(200, {"input_tokens": len(body) // 4})
            return
        if path != "/v1/messages":
            self._send_json(404, _error("not_found_error", "the script has no such resource"))
            return
        model = self._model
        request = model.record(json.loads(body), dict(self.headers.items()))
        try:
            blocks, usage = model.reply(request)
        except Exception as error:
            model.failures.append(f"request {request.number}: {error!r}")
            self._send_json(500, _error("api_error", "the script failed"))
            return
        if request.body.get("stream"):
            self._send_stream(request, blocks, usage)
        else:
            self._send_json(200, _message(request, blocks, usage))

    def _send_json(self, status: int, document: Mapping[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _send_stream(
        self, request: ModelRequest, blocks: list[dict[str, Any]], usage: Usage
    ) -> None:
        data = b"".join(
            f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            for event in _events(request, blocks, usage)
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _message(request: ModelRequest, blocks: list[dict[str, Any]], usage: Usage) -> dict[str, Any]:
    asks_for_tool = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": f"msg_{request.number:05d}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": blocks,
        "stop_reason": "tool_use" if asks_for_tool else "end_turn",
        "stop_sequence": None,
        "usage": vars(usage).copy(),
    }


def _events(
    request: ModelRequest, blocks: list[dict[str, Any]], usage: Usage
) -> Iterator[dict[str, Any]]:
    message = _message(request, blocks, usage)
    yield {
        "type": "message_start",
        "message": {
            **message,
            "content": [],
            "stop_reason": None,
            "usage": {**vars(usage), "output_tokens": 1},
        },
    }
    for index, block in enumerate(blocks):
        if block["type"] == "tool_use":
            start: dict[str, Any] = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        else:
            start = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        yield {"type": "content_block_start", "index": index, "content_block": start}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
        "usage": {"output_tokens": usage.output_tokens},
    }
    yield {"type": "message_stop"}
