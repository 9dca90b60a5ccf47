"""Hostile bodies on every route that the application has, with and without the token.

The routes are the application's own, so that a new one is attacked too.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from cco.daemon.handler import allowed_methods
from cco.daemon.strangers import MAX_STRANGERS_BODY_BYTES
from cco.sealing.sealed_set import Settings
from tests.conftest import Sandbox
from tests.integration.test_api_description import routes
from tests.security.wire import converse, request, statuses

pytestmark = pytest.mark.usefixtures("undisturbed")

GROUPS = {"hooks": "Stop", "web": "js/main.js"}
BODILESS = ("/sign-out", "/api/v1/notes/s")
"""Write, but read no body: it may be anything."""
SHUTDOWN = "/api/v1/shutdown"
ENDLESS = ("/api/v1/events", "/api/v1/sessions/s/events")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
BOMB_BYTES = 256 << 20
HUGE = 10**4_000


def target(pattern: re.Pattern[str]) -> str:
    """An address that a route takes."""
    path = pattern.pattern.removesuffix("$")
    value = GROUPS.get(path.split("/")[1], "s")
    found = re.sub(r"\(.*?\)", value, path)
    assert pattern.match(found), pattern
    return found


TARGETS = sorted(target(pattern) for pattern, _ in routes())
WRITERS = [
    (method, target(pattern))
    for pattern, handler in routes()
    for method in allowed_methods(handler)
    if method not in ("GET", "HEAD")
]


def objects() -> Iterator[bytes]:
    """JSON objects that are not what anybody expects."""
    fields = (
        "session_id text path project author limit_usd day code handover jsonrpc id method params"
        " resourceLogs resourceMetrics cwd prompt tool_name tool_input agent_id agent_type model"
    ).split()
    values: tuple[Any, ...] = (
        None, True, -1, HUGE, -HUGE, 1e308, "", "\ud800", "\udfff\ud800", "\0", "\x1b]0;x\x07",
        "\u202e", "../" * 50, "a" * 100_000, [], [[[]]] * 50, {}, {"__proto__": {}, "": None},
        {"a": {"b": {"c": ["\ud83d"]}}}, ["\ud83d", HUGE, {}],
    )  # fmt: skip
    for value in values:
        yield json.dumps(dict.fromkeys(fields, value)).encode()
    yield b'{"session_id": "s", "session_id": ["t"], "session_id": 1e999}'
    yield b'{"session_id": "s", "x": 1e999, "y": -1e999, "limit_usd": 1e999}'
    yield b'{"session_id": "s", "x": ' + b"[" * 900 + b"]" * 900 + b"}"


BROKEN = {
    "no JSON": b"hello",
    "nothing": b"",
    "NaN": b'{"session_id": NaN}',
    "infinite": b'{"limit_usd": Infinity}',
    "bytes that are no UTF-8": b'{"session_id": "\xff\xfe\xc0\xaf"}',
    "encoded surrogates": b'{"session_id": "\xed\xa0\x80\xed\xb0\x80"}',
    "UTF-16": '{"session_id": "s"}'.encode("utf-16"),
    "UTF-32": '{"session_id": "s"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"session_id": "s"}',
    "nesting": b"[" * 1_000_000,
    "nesting of objects": b'{"a":' * 200_000,
    "a number beyond all bounds": b'{"limit_usd": ' + b"9" * 1_000_000 + b"}",
    "a list": b"[{}]",
    "a text": b'"session_id"',
}


def test_every_route_can_be_addressed() -> None:
    assert len(TARGETS) == len(routes())
    assert len(WRITERS) >= 8


def ask(daemon: Sandbox, method: str, where: str, body: bytes, **headers: str) -> int:
    more = {"Origin": f"http://127.0.0.1:{daemon.sealed().settings.port}"}  # some demand one
    return daemon.request(method, where, body, {**more, **headers}).status


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_object_is_refused_on_every_route(daemon: Sandbox, kind: str) -> None:
    for method, where in WRITERS:
        status = ask(daemon, method, where, BROKEN[kind])
        assert 400 <= status < 500 or where in BODILESS, (method, where, status)


def test_no_object_breaks_a_route(daemon: Sandbox) -> None:
    for method, where in WRITERS:
        if where == SHUTDOWN:  # it takes any object: tests/integration/test_daemon_lifecycle.py
            continue
        for body in objects():
            status = ask(daemon, method, where, body)
            assert status < 500, (method, where, body[:100])


def test_a_body_where_none_belongs_does_nothing(daemon: Sandbox) -> None:
    for where in TARGETS:
        if where in ENDLESS:
            continue
        for method in METHODS:
            if (method, where) not in WRITERS:
                for body in (b"{}", BROKEN["nesting of objects"], b"\0" * 100_000):
                    assert ask(daemon, method, where, body) < 500, (method, where)


def test_forms_are_not_taken_apart(daemon: Sandbox) -> None:
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%d"\r\n\r\n' % n for n in range(5_000)
    )
    forms = {
        "multipart/form-data; boundary=x": parts + b"--x--",
        "multipart/form-data; boundary=" + "x" * 5_000: parts,
        "multipart/form-data": parts,
        "application/x-www-form-urlencoded": b"&".join(b"a%d=%%ff" % n for n in range(50_000)),
    }
    for method, where in WRITERS:
        for kind, body in forms.items():
            status = ask(daemon, method, where, body, **{"Content-Type": kind})
            assert 400 <= status < 500 or where in BODILESS, (method, where)


def test_nothing_is_unpacked(daemon: Sandbox) -> None:
    """A megabyte or less that would become a quarter of a gigabyte."""
    process = psutil.Process(daemon.sealed().settings.pid)
    before = process.memory_info().rss
    zeros = bytes(1 << 20)
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join([*(packer.compress(zeros) for _ in range(BOMB_BYTES >> 20)), packer.flush()])
    assert len(bomb) < 1 << 20
    for coding in (
        "gzip",
        "GZIP",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "gzip, gzip",
        "identity, gzip",
    ):
        for method, where in WRITERS:
            status = ask(daemon, method, where, bomb, **{"Content-Encoding": coding})
            assert 400 <= status < 500 or where in BODILESS, (method, where)
    small = gzip.compress(b'{"session_id": "unpacked"}')
    assert ask(daemon, "POST", "/hooks/Stop", small, **{"Content-Encoding": "gzip"}) == 415
    assert process.memory_info().rss - before < BOMB_BYTES // 2


def test_strangers_bodies_are_not_even_read(daemon: Sandbox) -> None:
    """Tornado keeps a body in memory before anybody sees the token."""
    settings = daemon.sealed().settings
    for method in METHODS:
        for where in TARGETS:
            for line in ("Content-Length: 33554432", "Transfer-Encoding: chunked"):
                assert_cut_off(settings, f"{method} {where} HTTP/1.1", line)


def assert_cut_off(settings: Settings, first: str, line: str) -> None:
    size = MAX_STRANGERS_BODY_BYTES + 1
    chunk = b"%x\r\n" % size + bytes(size)
    sent = request(settings, first, "Content-Type: application/json", line)
    answer = converse(settings, sent + (chunk if "chunked" in line else b""))
    assert statuses(answer) in ([400], []), (first, line, answer[:200])


def test_after_the_token_a_stranger_is_a_stranger_again(daemon: Sandbox) -> None:
    settings = daemon.sealed().settings
    friend = request(settings, "GET /health HTTP/1.1", token=True)
    large = request(settings, "POST /hooks/Stop HTTP/1.1", "Content-Length: 33554432")
    assert statuses(converse(settings, friend + large)) == [200, 400]
