"""What is sent to the HTTP API: broken, oversized and ill-typed bodies do no harm."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest

from cco.claude.bridge import EVENTS
from cco.sealing.sealed_set import Settings
from tests.conftest import Sandbox
from tests.integration.test_http_api import HOOKS, POSTS, assert_problem, head, raw

pytestmark = pytest.mark.usefixtures("undisturbed")


@pytest.fixture
def settings(daemon: Sandbox) -> Settings:
    return daemon.sealed().settings


BROKEN = {
    "empty": b"",
    "open": b"{",
    "words": b"hello",
    "two": b'{"session_id": "s"} {}',
    "not a number": b'{"session_id": "s", "x": NaN}',
    "infinite": b'{"session_id": "s", "x": -Infinity}',
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "closed deep list": b'{"session_id": "s", "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "long number": b'{"session_id": "s", "x": ' + b"1" * 5_000 + b"}",
    "not UTF-8": b'{"session_id": "\xff\xfe"}',
    "half a character": b'{"session_id": "\xe2\x82"}',
    "an encoded surrogate": b'{"session_id": "\xed\xa0\x80"}',
    "UTF-16": '{"session_id": "s"}'.encode("utf-16"),
    "zero bytes": bytes(100),
    "list": b"[]",
    "text": b'"s"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_body_that_is_no_json_object_is_refused_everywhere(daemon: Sandbox, kind: str) -> None:
    for target in POSTS:
        assert_problem(daemon.request("POST", target, BROKEN[kind]), 400)


@pytest.mark.parametrize("session_id", ["absent", None, "", 0, 1.5, True, [], ["s"], {}, {"s": 1}])
def test_an_event_without_a_session_is_refused(daemon: Sandbox, session_id: object) -> None:
    body = {} if session_id == "absent" else {"session_id": session_id}
    for target in HOOKS:
        assert_problem(daemon.request("POST", target, body), 400)


def test_a_body_that_is_too_large_is_refused_or_cut_off(settings: Settings) -> None:
    lines = [f"Authorization: Bearer {settings.token}", "Content-Type: application/json"]
    for target in POSTS:
        first = f"POST {target} HTTP/1.1"
        sized = head(settings, first, *lines, f"Content-Length: {33 << 20}")
        assert re.match(rb"HTTP/1.1 4\d\d |$", raw(settings, sized))
    chunk = b"%x\r\n" % (1 << 20) + bytes(1 << 20) + b"\r\n"
    chunked = head(settings, "POST /hooks/Stop HTTP/1.1", *lines, "Transfer-Encoding: chunked")
    assert re.match(rb"HTTP/1.1 4\d\d |$", raw(settings, chunked + chunk * 34))


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + b"X-Header: y\r\n" * 10_000 + b"\r\n",
        b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
        b"FOO /health HTTP/1.1\r\n\r\n",
    ],
    ids=range(11),
)
def test_what_is_hardly_http_is_refused_or_cut_off(settings: Settings, data: bytes) -> None:
    assert re.match(rb"HTTP/1.1 4\d\d |$", raw(settings, data))


def test_it_answers_on_both_loopback_addresses(settings: Settings) -> None:
    try:
        answer = raw(settings, head(settings, "GET /health HTTP/1.1"), "::1")
    except OSError:
        pytest.skip("this machine has no ::1")
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_connection_serves_many_requests(settings: Settings) -> None:
    request = head(settings, "GET /health HTTP/1.1")
    with socket.create_connection(("127.0.0.1", settings.port), timeout=30) as connection:
        for _ in range(3):
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_wrong_types_in_an_event_are_taken_for_absent(daemon: Sandbox) -> None:
    fields = (
        "transcript_path cwd prompt_id permission_mode hook_event_name agent_id agent_type model"
        " source tool_name tool_input tool_response tool_use_id prompt reason trigger"
        " compact_summary custom_instructions last_assistant_message cost context_window"
    ).split()
    huge = 10**400
    values: list[Any] = [
        None, True, 0, -1, 1e308, huge, "", "x", "\ud83d", "\0", [], [[]], {}, {"a": {}},
        {"file_path": 1, "agentId": 2, "description": []},
        {"total_cost_usd": huge}, {"total_cost_usd": -1}, {"total_cost_usd": True},
        {"used_percentage": huge}, {"used_percentage": "x"}, {"used_percentage": -5},
    ]  # fmt: skip
    for number, value in enumerate(values):
        for tool in ("Edit", "Agent", value):
            for event in (*EVENTS, "StatusLine"):
                payload = dict.fromkeys(fields, value) | {"tool_name": tool}
                answer = daemon.hook(event, f"odd-{number}", **payload)
                assert answer.status == 200, (event, value, answer.body)
    sessions = daemon.request("GET", "/api/v1/sessions").json()["sessions"]
    assert {one["session_id"] for one in sessions} >= {f"odd-{n}" for n in range(len(values))}
    assert all(one["started_at"] <= one["last_seen_at"] for one in sessions)
    for target in ("/api/v1/agents", "/api/v1/usage"):
        assert daemon.request("GET", target).status == 200


def test_infinite_figures_are_no_figures(daemon: Sandbox) -> None:
    for field in ("cost", "context_window"):
        inner = '"total_cost_usd": 1e999, "used_percentage": 1e999'
        body = f'{{"session_id": "endless", "{field}": {{{inner}}}}}'
        answer = daemon.request("POST", "/hooks/StatusLine", body.encode())
        assert answer.status == 200
        assert b"inf" not in answer.body


def test_half_a_character_in_a_text_does_no_harm(daemon: Sandbox) -> None:
    """A client that cuts a text between two halves of a character sends such JSON."""
    cut = "cut \ud83d"
    daemon.hook("SessionStart", "cut", cwd=f"/project/{cut}", model=cut)
    daemon.hook("UserPromptSubmit", "cut", prompt=cut)
    daemon.hook("SubagentStart", "cut", agent_id=cut, agent_type=cut)
    answers = [
        daemon.hook("StatusLine", "cut"),
        daemon.hook("PreCompact", "cut"),
        daemon.hook("SessionStart", "cut", source="compact"),
        daemon.hook("SessionStart", cut),
        *(daemon.request("GET", target) for target in ("/api/v1/sessions", "/api/v1/usage")),
    ]
    for answer in answers:
        assert answer.status == 200, answer.body
        answer.body.decode()
    assert json.loads(answers[2].body)["hookSpecificOutput"]["additionalContext"]
