"""DNS rebinding, other origins, odd tokens, methods and paths, and smuggled requests.

What is refused one request at a time is in tests/integration/test_http_api.py.
"""

from __future__ import annotations

import pytest

from cco.sealing.sealed_set import Settings
from tests.conftest import Sandbox
from tests.security.wire import converse, request, statuses

pytestmark = pytest.mark.usefixtures("undisturbed")

USAGE = "GET /api/v1/usage HTTP/1.1"
SECRETS = (b'"total"', b'"sessions"', b'"agents"', b'"notes"')
"""What only answers to the owner have in them."""


@pytest.fixture
def settings(daemon: Sandbox) -> Settings:
    return daemon.sealed().settings


def assert_nothing_told(answer: bytes, settings: Settings) -> None:
    assert 200 not in statuses(answer), answer[:300]
    assert not [one for one in SECRETS if one in answer]
    assert settings.token.encode() not in answer
    assert b"Traceback" not in answer


# --- a page that was loaded from elsewhere, its name now that of this machine ---

REBOUND = [
    "evil.example", "evil.example:{port}", "127.0.0.1:{port}.evil.example", "0:{port}",
    "127.0.0.1:{port}@evil.example", "evil.example#127.0.0.1:{port}", "127.0.0.1:0{port}",
    "127.0.0.1:{port}:{port}", "127.0.0.1:+{port}", "127.0.0.1", "127.0.0.1:", "127.0.0.1.:{port}",
    "localhost.:{port}", "localhost.evil.example:{port}", "0.0.0.0:{port}", "[::]:{port}",
    "[::ffff:127.0.0.1]:{port}", "[0:0:0:0:0:0:0:1]:{port}", "2130706433:{port}", "127.1:{port}",
    "0x7f.0.0.1:{port}", "127.0.0.1%00:{port}", "127.0.0.1:{port}/", "127.0.0.1:{port},evil",
    "evil.example, 127.0.0.1:{port}", "127.0.0.1:{port}\tevil", "\xb9\xb2\xb7.0.0.1:{port}",
]  # fmt: skip


@pytest.mark.parametrize("host", REBOUND)
def test_no_other_name_of_this_machine_is_served(settings: Settings, host: str) -> None:
    for first in (USAGE, "GET /health HTTP/1.1", "GET / HTTP/1.1"):
        answer = converse(settings, request(settings, first, token=True, host=host))
        assert set(statuses(answer)) <= {400, 421}
        assert_nothing_told(answer, settings)


@pytest.mark.parametrize(
    "lines",
    [
        ["Host: evil.example", "Host: 127.0.0.1:{port}"],
        ["Host: 127.0.0.1:{port}", "Host: evil.example"],
        ["Host: 127.0.0.1:{port}", "host: 127.0.0.1:{port}"],
        ["X-Forwarded-Host: 127.0.0.1:{port}", "Host: evil.example"],
        ["Forwarded: host=127.0.0.1", "Host: evil.example"],
        ["Host: 127.0.0.1:{port}", " evil.example"],
        [],
    ],
)
def test_a_host_must_be_there_just_once(settings: Settings, lines: list[str]) -> None:
    told = [line.format(port=settings.port) for line in lines]
    answer = converse(settings, request(settings, USAGE, *told, token=True, host=None))
    assert_nothing_told(answer, settings)


def test_http_1_0_needs_a_host_too(settings: Settings) -> None:
    first = "GET /api/v1/usage HTTP/1.0"
    assert_nothing_told(
        converse(settings, request(settings, first, token=True, host=None)), settings
    )


@pytest.mark.parametrize("target", ["http://evil.example", "http://127.0.0.1:{port}", "//evil"])
def test_an_absolute_target_is_not_served(settings: Settings, target: str) -> None:
    where = target.format(port=settings.port)
    for host in ("evil.example", "127.0.0.1:{port}"):
        first = f"GET {where}/api/v1/usage HTTP/1.1"
        answer = converse(settings, request(settings, first, token=True, host=host))
        assert_nothing_told(answer, settings)


# --- a page of another origin, in the owner's browser ---


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_page_may_send_without_asking_changes_nothing(
    daemon: Sandbox, settings: Settings, kind: str
) -> None:
    """Such a request goes out with cookies and without a preflight."""
    body = b'{"session_id": "forged", "text": "forged", "project": "/forged", "handover": false}'
    for target in ("/hooks/SessionStart", "/api/v1/notes", "/api/v1/shutdown", "/mcp", "/sign-in"):
        lines = [
            "Origin: http://evil.example",
            "Sec-Fetch-Site: cross-site",
            f"Cookie: cco-{settings.port}=x",
            f"Content-Type: {kind}",
            f"Content-Length: {len(body)}",
        ]
        for token in (False, True):  # even if it had the token
            sent = request(settings, f"POST {target} HTTP/1.1", *lines, body=body, token=token)
            answer = converse(settings, sent)
            assert set(statuses(answer)) <= {401, 403, 415}
            assert_nothing_told(answer, settings)
    sessions = daemon.request("GET", "/api/v1/sessions").json()["sessions"]
    assert "forged" not in {one["session_id"] for one in sessions}


def test_a_preflight_is_answered_with_no_permission(settings: Settings) -> None:
    lines = [
        "Origin: http://evil.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: authorization, content-type",
        "Access-Control-Request-Private-Network: true",
    ]
    for target in ("/hooks/Stop", "/api/v1/usage", "/health", "/sign-in", "/nothing"):
        answer = converse(settings, request(settings, f"OPTIONS {target} HTTP/1.1", *lines))
        assert set(statuses(answer)) <= {401, 405}
        assert b"access-control" not in answer.lower()


def test_a_foreign_page_reads_no_stream(settings: Settings) -> None:
    """EventSource can send a cookie and a query, but no header of its own."""
    for target in ("/api/v1/events", f"/api/v1/events?token={settings.token}"):
        lines = [
            "Origin: http://evil.example",
            "Accept: text/event-stream",
            f"Cookie: cco-{settings.port}=x; token={settings.token}",
            f"Last-Event-ID: {settings.token}",
        ]
        answer = converse(settings, request(settings, f"GET {target} HTTP/1.1", *lines))
        assert statuses(answer) == [401]
        assert b"access-control" not in answer.lower()


# --- tokens ---


def test_no_odd_token_is_taken(settings: Settings) -> None:
    token = settings.token
    odd = [
        "", token, token[:-1], token[1:], f"{token}=", f"{token}\0", f"\0{token}", token.lower(),
        token.swapcase(), f"{token}{token}", token * 400, "\xff" * 43, "Bearer", f'"{token}"',
        f"{token},", f"{token[:20]} {token[20:]}", f"{token}\x0b", f"{token}\xa0", "null",
        "undefined", "$CCO_TOKEN", "${CCO_TOKEN}", "*", "%", "' OR ''='", token[::-1],
    ]  # fmt: skip
    for scheme in ("Bearer ", "bearer ", "Basic ", "Token ", "Bearer  ", "Bearer\t", ""):
        for one in odd:
            if (scheme, one) == ("Bearer ", token):
                continue
            sent = request(settings, USAGE, f"Authorization: {scheme}{one}")
            answer = converse(settings, sent)
            assert set(statuses(answer)) <= {400, 401}, (scheme, one)
            assert_nothing_told(answer, settings)


def test_no_other_place_is_looked_at_for_a_token(settings: Settings) -> None:
    token = settings.token
    lines = [
        f"Proxy-Authorization: Bearer {token}",
        f"X-Authorization: Bearer {token}",
        f"Cookie: token={token}; Authorization=Bearer {token}; cco-{settings.port}={token}",
        f"X-CCO-Page: {token}",
        f"X-Api-Key: {token}",
        f"Authorization : Bearer {token}",
    ]
    for line in lines:
        assert_nothing_told(converse(settings, request(settings, USAGE, line)), settings)
    for query in (f"token={token}", f"access_token={token}", f"Authorization=Bearer+{token}"):
        first = f"GET /api/v1/usage?{query} HTTP/1.1"
        assert statuses(converse(settings, request(settings, first))) == [401]


def test_a_token_counts_for_its_own_request_only(settings: Settings) -> None:
    """A connection that was let in once is asked again every time."""
    friend = request(settings, "GET /health HTTP/1.1", token=True)
    sent = friend + request(settings, USAGE, token=True) + request(settings, USAGE)
    answer = converse(settings, sent)
    assert statuses(answer) == [200, 200, 401]


def test_what_follows_a_refused_request_is_refused_for_itself(settings: Settings) -> None:
    answer = converse(settings, request(settings, USAGE) * 3)
    assert statuses(answer) == [401, 401, 401]
    assert_nothing_told(answer, settings)


# --- methods and paths ---


@pytest.mark.parametrize(
    "method",
    ["TRACE", "CONNECT", "TRACK", "DEBUG", "PROPFIND", "get", "GET\0", "G", "", "HEAD GET"],
)
def test_odd_methods_tell_nothing(settings: Settings, method: str) -> None:
    for target in ("/api/v1/usage", "/health", "/"):
        for token in (False, True):
            answer = converse(
                settings, request(settings, f"{method} {target} HTTP/1.1", token=token)
            )
            assert set(statuses(answer)) <= {400, 401, 405, 501}
            assert_nothing_told(answer, settings)
            assert b"Authorization" not in answer  # TRACE gives back what it was sent


PATHS = [
    "//api/v1/usage", "/api//v1/usage", "/api/v1/usage/", "/api/v1/./usage", "/api/v1/x/../usage",
    "/web/../api/v1/usage", "/web/..%2fapi/v1/usage", "/web/%2e%2e/api/v1/usage",
    "/health/../api", "/health/../api/v1/usage", "/health/../../api/v1/usage", "/%61pi/v1/usage",
    "/api%2fv1%2fusage", "/api/v1/usage%00", "/api/v1/usage%20", "/api/v1/usage;x",
    "/api/v1/usage.json", "/API/v1/usage", "\\api\\v1\\usage", "/api/v1/usage\0",
    "/api/v1/usage\x7f", "*", "", "api/v1/usage", "/.", "/..", "/web/....//....//etc/passwd",
    "/web/%c0%ae%c0%ae/x", "/sign-in/../api/v1/usage", "/health%0d%0a", "/" * 60_000,
    "/health?challenge=../../x", "/web/" + "a" * 101, "/api/v1/sessions/" + "a" * 60_000,
    "/api/v1/usage#/health", "/health/api/v1/usage", "/hooks/Stop/../../health", "/x?/health",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS, ids=lambda path: repr(path[:30]))
def test_no_path_leads_past_the_token(settings: Settings, path: str) -> None:
    for method in ("GET", "HEAD", "POST"):
        answer = converse(settings, request(settings, f"{method} {path} HTTP/1.1"))
        assert set(statuses(answer)) <= {400, 401, 404, 405, 414, 415, 421}
        assert_nothing_told(answer, settings)


# --- what is no plain HTTP/1.1 ---

UPGRADE = ["Connection: Upgrade", "Upgrade: {kind}", "Sec-WebSocket-Key: x", "HTTP2-Settings: AAM"]


@pytest.mark.parametrize("kind", ["websocket", "h2c", "TLS/1.3"])
def test_no_connection_becomes_another(settings: Settings, kind: str) -> None:
    lines = [line.format(kind=kind) for line in UPGRADE]
    for first in (USAGE, "GET /api/v1/events HTTP/1.1", "POST /mcp HTTP/1.1"):
        answer = converse(settings, request(settings, first, *lines))
        assert set(statuses(answer)) == {401}
        assert_nothing_told(answer, settings)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/v1/usage\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"\x05\x01\0",
        b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n",
    ],
    ids=["HTTP/0.9", "HTTP/2", "TLS", "SOCKS", "CONNECT"],
)
def test_other_protocols_are_told_nothing(settings: Settings, sent: bytes) -> None:
    answer = converse(settings, sent)
    assert set(statuses(answer)) <= {400, 401, 421}
    assert_nothing_told(answer, settings)


def test_a_body_that_waits_to_be_wanted_opens_nothing(settings: Settings) -> None:
    lines = ["Expect: 100-continue", "Content-Type: application/json", "Content-Length: 2"]
    answer = converse(settings, request(settings, "POST /hooks/Stop HTTP/1.1", *lines, body=b"{}"))
    assert set(statuses(answer)) <= {100, 401}
    assert_nothing_told(answer, settings)


# --- requests within requests ---

INNER = "POST /api/v1/shutdown HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = "Transfer-Encoding: chunked"
SMUGGLED = {
    "both lengths": (["Content-Length: 5", CHUNKED], "0\r\n\r\n{inner}"),
    "both, the other way": ([CHUNKED, "Content-Length: 5"], "0\r\n\r\n{inner}"),
    "two lengths": (["Content-Length: 2", "Content-Length: 90"], "{{}}{inner}"),
    "a list of lengths": (["Content-Length: 2, 90"], "{{}}{inner}"),
    "a signed length": (["Content-Length: +2"], "{{}}{inner}"),
    "a negative length": (["Content-Length: -2"], "{{}}{inner}"),
    "a length in hex": (["Content-Length: 0x2"], "{{}}{inner}"),
    "a length with an underscore": (["Content-Length: 1_0"], "{{}}{inner}"),
    "a length of other digits": (["Content-Length: \xb2"], "{{}}{inner}"),
    "a huge length": (["Content-Length: " + "9" * 5_000], "{{}}{inner}"),
    "a space before the colon": (["Content-Length : 2"], "{{}}{inner}"),
    "an unknown coding": (["Transfer-Encoding: xchunked"], "0\r\n\r\n{inner}"),
    "two codings": ([CHUNKED, "Transfer-Encoding: identity"], "0\r\n\r\n{inner}"),
    "a coding with a tab": (["Transfer-Encoding:\tchunked, identity"], "0\r\n\r\n{inner}"),
    "a coding with a vertical tab": (["Transfer-Encoding: \x0bchunked"], "0\r\n\r\n{inner}"),
    "a folded coding": (["Transfer-Encoding:", " chunked"], "0\r\n\r\n{inner}"),
    "a folded header": (["X: y", " Content-Length: 2"], "{{}}{inner}"),
    "a bad chunk size": ([CHUNKED], "0x2\r\n{{}}\r\n0\r\n\r\n{inner}"),
    "a chunk size with a sign": ([CHUNKED], "+2\r\n{{}}\r\n0\r\n\r\n{inner}"),
    "a huge chunk size": ([CHUNKED], "fffffffffffffffff\r\n{{}}\r\n0\r\n\r\n{inner}"),
    "a chunk extension": ([CHUNKED], "2;x=\n\r\n{{}}\r\n0\r\n\r\n{inner}"),
    "a chunk that is longer": ([CHUNKED], "2\r\n{{}}XX0\r\n\r\n{inner}"),
    "a trailer": ([CHUNKED], "0\r\nAuthorization: Bearer x\r\n\r\n{inner}"),
    "a bare line feed": ([CHUNKED], "2\n{{}}\n0\n\n{inner}"),
    "a bare carriage return": (["X: y\rContent-Length: 2"], "{{}}{inner}"),
    "a zero byte": (["X: y\0"], "{inner}"),
}


@pytest.mark.parametrize("kind", SMUGGLED)
def test_no_request_is_found_within_another(settings: Settings, kind: str) -> None:
    """The outer one is refused and the connection closed, or it and the inner are two requests of
    which neither has the token: nothing in between divides them differently."""
    lines, body = SMUGGLED[kind]
    inner = INNER
    first = "POST /hooks/Stop HTTP/1.1"
    sent = request(settings, first, "Content-Type: application/json", *lines)
    answer = converse(settings, sent + body.format(inner=inner).encode("latin-1"))
    found = statuses(answer)
    assert set(found) <= {400, 401, 421}
    assert 400 not in found[:-1]  # what is no request ends the connection
    assert_nothing_told(answer, settings)


@pytest.mark.parametrize("kind", SMUGGLED)
def test_not_even_behind_the_token(settings: Settings, kind: str) -> None:
    lines, body = SMUGGLED[kind]
    inner = INNER.replace("Host: x", f"Host: 127.0.0.1:{settings.port}")
    first = "POST /hooks/Stop HTTP/1.1"
    sent = request(settings, first, "Content-Type: application/json", *lines, token=True)
    answer = converse(settings, sent + body.format(inner=inner).encode("latin-1"))
    assert 202 not in statuses(answer)
    assert statuses(answer)[1:] in ([], [401], [400])
