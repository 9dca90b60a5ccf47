"""The HTTP API against one daemon: who is let in, and what is refused and how."""

from __future__ import annotations

import hashlib
import hmac
import re
import socket
from urllib.parse import quote

import pytest

from cco.claude.bridge import EVENTS
from cco.sealing.sealed_set import Settings
from tests.conftest import Answer, Sandbox

pytestmark = pytest.mark.usefixtures("undisturbed")

HOOKS = [f"/hooks/{event}" for event in (*EVENTS, "StatusLine")]
OTLP = ["/v1/logs", "/v1/metrics"]
POSTS = [*HOOKS, *OTLP, "/api/v1/shutdown"]
GETS = [
    "/api/v1/sessions",
    "/api/v1/sessions/none",
    "/api/v1/agents",
    "/api/v1/agents/chief-architect",
    "/api/v1/usage",
    "/api/v1/sessions/none/events",
    "/api/v1/events",
    "/api/v1/leases",
    "/api/v1/notes",
    "/api/v1/budget",
    "/metrics",
    "/api/v1/openapi.json",
]


@pytest.fixture
def settings(daemon: Sandbox) -> Settings:
    return daemon.sealed().settings


def assert_problem(answer: Answer, *statuses: int) -> None:
    """Check an error against RFC 9457."""
    assert answer.status in statuses, (answer.status, answer.body[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status
    assert document["type"] == "about:blank"
    assert document["title"]
    assert document["detail"]
    assert b"Traceback" not in answer.body
    assert b".py" not in answer.body


def raw(settings: Settings, data: bytes, host: str = "127.0.0.1") -> bytes:
    """Send bytes as they are and read the answer up to the end of its head, or the close."""
    with socket.create_connection((host, settings.port), timeout=30) as connection:
        answer = b""
        try:
            connection.sendall(data)
            while b"\r\n\r\n" not in answer:
                piece = connection.recv(65536)
                if not piece:
                    break
                answer += piece
        except ConnectionError:
            pass
        return answer


def head(settings: Settings, first: str, *lines: str) -> bytes:
    host = f"Host: 127.0.0.1:{settings.port}"
    return "\r\n".join([first, host, *lines, "", ""]).encode("latin-1")


# --- health ---


def test_health_is_open_and_says_little(daemon: Sandbox, settings: Settings) -> None:
    answer = daemon.request("GET", "/health", token=False)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert set(document) == {"status", "version", "instance", "uptime_s"}
    assert document["status"] == "ok"
    assert document["version"] == settings.version
    assert document["instance"] == settings.instance
    assert document["uptime_s"] >= 0
    assert settings.token.encode() not in answer.body


@pytest.mark.parametrize("size", [16, 32, 128])
def test_health_proves_that_it_knows_the_token(
    daemon: Sandbox, settings: Settings, size: int
) -> None:
    challenge = bytes(range(size))
    answer = daemon.request("GET", f"/health?challenge={challenge.hex()}", token=False)
    expected = hmac.new(settings.token.encode(), challenge, hashlib.sha256).hexdigest()
    assert answer.json()["proof"] == expected
    assert settings.token.encode() not in answer.body


@pytest.mark.parametrize(
    "challenge",
    ["", "0", "zz" * 16, "00" * 15, "00" * 129, "%ff" * 16, "\u0660" * 32, "00" * 20_000],
)
def test_a_challenge_that_is_none_is_refused(daemon: Sandbox, challenge: str) -> None:
    target = f"/health?challenge={quote(challenge, safe='%')}"
    assert_problem(daemon.request("GET", target, token=False), 400)


# --- Host, token, Origin, content type ---


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_hosts_are_served(daemon: Sandbox, settings: Settings, name: str) -> None:
    headers = {"Host": f"{name}:{settings.port}"}
    assert daemon.request("GET", "/api/v1/usage", headers=headers).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1", "localhost", "127.0.0.1:1", "127.0.0.2:{port}", "::1:{port}",
     "evil.example:{port}", "localhost.evil.example:{port}", "{port}"],
)  # fmt: skip
def test_other_hosts_are_not(daemon: Sandbox, settings: Settings, host: str) -> None:
    headers = {"Host": host.format(port=settings.port)}
    for target in ("/health", "/api/v1/usage", "/nothing"):
        assert_problem(daemon.request("GET", target, headers=headers), 421)


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n",
        "Host: 127.0.0.1:{port}, evil\r\n",
        "Host:\r\n",
    ],
)
def test_a_host_that_is_missing_or_given_twice_is_refused(settings: Settings, lines: str) -> None:
    authorization = f"Authorization: Bearer {settings.token}\r\n"
    request = f"GET /api/v1/usage HTTP/1.1\r\n{authorization}{lines}\r\n"
    answer = raw(settings, request.format(port=settings.port).encode())
    assert re.match(rb"HTTP/1.1 4\d\d ", answer)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_but_health_is_open(daemon: Sandbox, method: str) -> None:
    for target in [*GETS, *POSTS, "/nothing", "/metrics", "/hooks/Nothing"]:
        answer = daemon.request(method, target, {}, token=False)
        assert_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_wrong_tokens_are_refused_alike(daemon: Sandbox, settings: Settings) -> None:
    token = settings.token
    wrong = [
        token,
        f"Bearer {token[:-1]}",
        f"Bearer {token}x",
        f"Bearer {token} ",
        f"Bearer  {token}",
        f"bearer {token}",
        f"Basic {token}",
        "Bearer",
        "Bearer ",
        "Bearer " + "x" * 43,
        "Bearer $CCO_TOKEN",
        "Bearer \xff\xfe",
        f"Bearer {token}, Bearer {token}",
    ]
    bodies = set()
    for value in wrong:
        if value == f"Bearer {token} ":  # white space around a value is not part of it
            continue
        headers = {"Authorization": value}
        answer = daemon.request("GET", "/api/v1/usage", headers=headers, token=False)
        assert_problem(answer, 401)
        bodies.add(answer.body)
    assert len(bodies) == 1
    for target in (f"/api/v1/usage?token={token}", f"/api/v1/usage?access_token={token}"):
        assert_problem(daemon.request("GET", target, token=False), 401)
    headers = {"Cookie": f"token={token}", "X-CCO-Token": token}
    assert_problem(daemon.request("GET", "/api/v1/usage", headers=headers, token=False), 401)


def test_a_token_given_twice_is_refused(settings: Settings) -> None:
    line = f"Authorization: Bearer {settings.token}"
    answer = raw(settings, head(settings, "GET /api/v1/usage HTTP/1.1", line, line))
    assert answer.startswith(b"HTTP/1.1 401 ")


def test_the_token_is_asked_for_before_anything_is_told(daemon: Sandbox) -> None:
    for target in ("/api/v1/sessions/%ff", "/api/v1/usage?session=%ff", "/hooks/Nothing"):
        assert_problem(daemon.request("GET", target, token=False), 401)


def test_what_is_not_there_is_told_to_friends(daemon: Sandbox) -> None:
    for target in ("/nothing", "/hooks", "/hooks/", "/api/v1/sessions/", "/api/v2/usage"):
        assert_problem(daemon.request("GET", target), 404)
    for target in ("/api/v1/sessions/none", "/api/v1/agents/none", "/api/v1/usage?session=none"):
        assert_problem(daemon.request("GET", target), 404)
    assert_problem(daemon.request("POST", "/hooks/Nothing", {"session_id": "s"}), 404)
    assert_problem(daemon.request("GET", "/hooks/Stop"), 405)
    assert_problem(daemon.request("POST", "/api/v1/usage", {}), 405)


def test_a_method_that_nobody_knows_passes_the_same_checks(daemon: Sandbox) -> None:
    assert_problem(daemon.request("BREW", "/api/v1/usage", token=False), 401)
    assert_problem(daemon.request("BREW", "/api/v1/usage", headers={"Host": "evil.example"}), 421)
    assert_problem(daemon.request("BREW", "/nothing"), 404)
    answer = daemon.request("BREW", "/api/v1/usage")
    assert_problem(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1:1", ""])
def test_pages_of_other_origins_may_not_write(daemon: Sandbox, origin: str) -> None:
    for target in POSTS:
        answer = daemon.request("POST", target, {"session_id": "s"}, {"Origin": origin})
        assert_problem(answer, 403)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_daemons_own_origin_may_write(daemon: Sandbox, settings: Settings) -> None:
    for name in ("127.0.0.1", "localhost", "[::1]"):
        headers = {"Origin": f"http://{name}:{settings.port}"}
        assert daemon.request("POST", "/hooks/Stop", {"session_id": "s"}, headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/x-protobuf"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "zstd, identity"},
    ],
    ids=str,
)
def test_only_plain_json_is_taken(daemon: Sandbox, headers: dict[str, str]) -> None:
    for target in POSTS:
        assert_problem(daemon.request("POST", target, {"session_id": "s"}, headers), 415)


def test_forms_are_refused(daemon: Sandbox) -> None:
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        answer = daemon.request("POST", "/hooks/Stop", b"--x", {"Content-Type": kind})
        assert_problem(answer, 400, 415)


def test_json_may_name_its_charset(daemon: Sandbox) -> None:
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        headers = {"Content-Type": kind, "Content-Encoding": "identity"}
        assert daemon.request("POST", "/hooks/Stop", {"session_id": "s"}, headers).status == 200


def test_every_answer_keeps_browsers_out(daemon: Sandbox) -> None:
    answers = [
        daemon.request("GET", "/health", token=False),
        daemon.request("GET", "/api/v1/usage"),
        daemon.request("GET", "/nothing"),
        daemon.request("GET", "/nothing", token=False),
        daemon.hook("SessionStart"),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "server" not in answer.headers
        assert "set-cookie" not in answer.headers
