"""Requests as lines of text: what the fuzzer changes, and what a person can read.

X-CCO-Launch: 00ff            a header of every request that follows
@120                          so many seconds pass
POST /hooks/Stop {"session_id": "s"}
GET /api/v1/sessions?limit=1
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

from tests.conftest import Answer
from tests.fuzz.in_process import TOKEN, Daemon, strict_json

MAX_REQUESTS = 40
CUT_FROM_CHARS = 10_000
"""Claude Code cuts what a hook injects there, and writes the whole to disk."""
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): ?([\x20-\x7e]*)")
_REQUEST = re.compile(rb"([A-Z]{3,7}) (/[!-~]*) ?(.*)", re.DOTALL)
_NEVER_ENDING = "/api/v1/events"
_RESERVED = frozenset(("host", "authorization", "content-length"))
_MAX_WAIT_S = 1e6


def play(daemon: Daemon, data: bytes, *prefixes: str) -> Iterator[tuple[str, bytes, Answer]]:
    """Send the requests whose address begins with one of these; check and yield each answer."""
    headers: dict[str, str] = {}
    for line in data.split(b"\n")[:MAX_REQUESTS]:
        if header := _HEADER.fullmatch(line.decode("latin-1")):
            if header[1].lower() not in _RESERVED:
                headers[header[1]] = header[2]
        elif line.startswith(b"@") and line[1:].isdigit() and len(line) < 8:
            daemon.now += min(int(line[1:]), _MAX_WAIT_S)
        elif request := _REQUEST.fullmatch(line):
            target = request[2].decode()
            path = target.partition("?")[0]
            if path.startswith(prefixes) and path != _NEVER_ENDING:
                method = request[1].decode()
                answer = daemon.request(method, target, request[3], headers)
                check_answer(answer, told=data, bodiless=method == "HEAD")
                yield path, request[3], answer


def check_answer(answer: Answer, told: bytes = b"", *, bodiless: bool = False) -> None:
    """No failure, well-formed, no secret, and nothing that Claude Code would cut."""
    assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, answer
    if bodiless:
        assert not answer.body
        return
    assert TOKEN.encode() not in answer.body or TOKEN.encode() in told, "the token is shown"
    kind = answer.headers.get("content-type", "")
    if answer.status >= HTTPStatus.BAD_REQUEST and "jsonrpc" not in answer.body[:20].decode():
        assert kind == "application/problem+json", answer
        problem = strict_json(answer.body)
        assert problem["status"] == answer.status
        assert problem["detail"]
    elif kind.endswith("json") and answer.body:
        document = strict_json(answer.body)
        output = document.get("hookSpecificOutput", {}) if isinstance(document, dict) else {}
        assert len(output.get("additionalContext", "")) < CUT_FROM_CHARS
