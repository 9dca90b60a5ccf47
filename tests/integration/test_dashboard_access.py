"""Who gets the dashboard and what it may do, without a browser."""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from tests.conftest import Answer, Sandbox, wait_until
from tests.integration.test_http_api import assert_problem

SHOWN = ("/", "/sign-in", "/web/js/main.js", "/web/css/base.css", "/web/vendor/uPlot.iife.min.js")


def code_of(place: Sandbox) -> str:
    url = str(json.loads(place.ok("dashboard", "--json"))["url"])
    assert url.startswith(f"http://127.0.0.1:{place.sealed().settings.port}/sign-in#")
    return urlsplit(url).fragment


def origin(place: Sandbox) -> str:
    return f"http://127.0.0.1:{place.sealed().settings.port}"


def enter(place: Sandbox, code: str, **headers: str) -> Answer:
    """Sign in as the page does, in a browser."""
    told = {"Origin": origin(place), "Sec-Fetch-Site": "same-origin", **headers}
    told = {name: value for name, value in told.items() if value}
    return place.request("POST", "/sign-in", {"code": code}, told, token=False)


@pytest.fixture(scope="module")
def browser(served: Sandbox) -> Mapping[str, str]:
    """What a browser that is signed in sends with its requests."""
    answer = enter(served, code_of(served))
    assert answer.status == 200
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(
        rf"cco-{served.sealed().settings.port}-[0-9a-f]{{8}}=[\w-]{{22}}; "
        "HttpOnly; SameSite=Strict; Path=/",
        cookie,
    )
    assert served.sealed().settings.token not in cookie
    return {
        "Cookie": cookie.partition(";")[0],
        "X-CCO-Page": answer.json()["page_key"],
        "Sec-Fetch-Site": "same-origin",
    }


@pytest.mark.parametrize("path", SHOWN)
def test_the_page_is_public_and_locked_down(served: Sandbox, path: str) -> None:
    answer = served.request("GET", path, token=False)
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    again = served.request(
        "GET", path, headers={"If-None-Match": answer.headers["etag"]}, token=False
    )
    assert (again.status, again.body) == (304, b"")
    head = served.request("HEAD", path, token=False)
    assert (head.status, head.body) == (200, b"")


def test_pages_name_only_files_that_are_served(served: Sandbox) -> None:
    page = served.request("GET", "/", token=False).body.decode()
    assert "<style" not in page
    assert " style=" not in page
    assert re.search(r"<script(?! (src|type=\"module\" src)=)", page) is None
    names = set(re.findall(r'(?:src|href)="(/[^"]*)"', page))
    assert len(names) >= 5
    wanted = list(names)
    while wanted:
        name = wanted.pop()
        answer = served.request("GET", name, token=False)
        assert answer.status == 200, name
        for relative in re.findall(rb'from "(\.[^"]+)"', answer.body):
            path = urlsplit(urljoin(f"http://x{name}", relative.decode())).path
            if path not in names:
                names.add(path)
                wanted.append(path)
    assert any(name.endswith("views/session.js") for name in names)


@pytest.mark.parametrize(
    "path",
    ["/web/", "/web/js", "/web/none.js", "/web/../daemon/application.py", "/web/..%2fentry.py",
     "/web/%2e%2e/config.py", "/web//index.html", "/web/vendor/uPlot.LICENSE.txt",
     "/web/js/main.js/"],
)  # fmt: skip
def test_only_known_files_are_served(served: Sandbox, path: str) -> None:
    answer = served.request("GET", path, token=False)
    assert_problem(answer, 401, 404)


def test_a_code_opens_once_and_what_it_opened_ends_with_its_second_use(served: Sandbox) -> None:
    code = code_of(served)
    first = enter(served, code)
    cookie = first.headers["set-cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "X-CCO-Page": first.json()["page_key"]}
    assert served.request("GET", "/api/v1/usage", headers=headers, token=False).status == 200
    assert_problem(enter(served, code), 403)
    assert_problem(served.request("GET", "/api/v1/usage", headers=headers, token=False), 401)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_only_our_own_page_signs_in(served: Sandbox, headers: dict[str, str]) -> None:
    code = code_of(served)
    assert_problem(enter(served, code, **headers), 403)
    assert enter(served, code).status == 200  # and it is not used up


def test_codes_need_the_token(served: Sandbox, browser: Mapping[str, str]) -> None:
    for headers in ({}, browser):
        answer = served.request("POST", "/api/v1/dashboard-code", {}, headers, token=False)
        assert_problem(answer, 401)


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/api/v1/usage", "/api/v1/agents"])
def test_a_browser_that_is_signed_in_reads(
    served: Sandbox, browser: Mapping[str, str], path: str
) -> None:
    for method in ("GET", "HEAD"):
        assert served.request(method, path, headers=browser, token=False).status == 200
    missing = served.request("GET", "/api/v1/nothing", headers=browser, token=False)
    assert_problem(missing, 404)


@pytest.mark.parametrize(
    "change",
    [
        {"Cookie": ""},
        {"Cookie": "cco-1=x"},
        {"X-CCO-Page": ""},
        {"X-CCO-Page": "x"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
    ],
)
def test_nobody_else_reads(
    served: Sandbox, browser: Mapping[str, str], change: dict[str, str]
) -> None:
    headers = {name: value for name, value in {**browser, **change}.items() if value}
    assert_problem(served.request("GET", "/api/v1/usage", headers=headers, token=False), 401)
    host = {**browser, "Host": "evil.example"}
    assert_problem(served.request("GET", "/api/v1/usage", headers=host, token=False), 421)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/hooks/SessionStart"),
        ("POST", "/v1/logs"),
        ("POST", "/v1/metrics"),
        ("POST", "/api/v1/shutdown"),
        ("POST", "/api/v1/notes"),
        ("PUT", "/api/v1/budget"),
        ("DELETE", "/api/v1/notes/1"),
        ("POST", "/mcp"),
        ("GET", "/mcp"),
        ("GET", "/metrics"),
        ("GET", "/hooks/SessionStart"),
    ],
)
def test_a_browser_does_nothing_but_read(
    served: Sandbox, browser: Mapping[str, str], method: str, path: str
) -> None:
    body = None if method == "GET" else {"session_id": "s"}
    headers = {**browser, "Origin": origin(served)}
    assert_problem(served.request(method, path, body, headers, token=False), 401)


def test_planted_cookies_sign_nobody_out(served: Sandbox, browser: Mapping[str, str]) -> None:
    """Programs on other ports of this host may set cookies: of any name, and for any path, which
    then come before or after ours."""
    name, _, value = browser["Cookie"].partition("=")
    port = served.sealed().settings.port
    planted = [f"{name}=planted", f"{name}=", f"cco-{port}-00000000=x", f"cco-{port}=x", "=", ";"]
    planted += [f'{name}="{value}"', f"cco-{port}-ZZZZZZZZ={value}", "a" * 1_000]
    for cookie in (
        "; ".join([*planted, browser["Cookie"]]),
        "; ".join([browser["Cookie"], *planted]),
        ";".join([*planted, browser["Cookie"], *planted]),
    ):
        headers = {**browser, "Cookie": cookie}
        assert served.request("GET", "/api/v1/usage", headers=headers, token=False).status == 200
    headers = {**browser, "Cookie": "; ".join(planted)}
    assert_problem(served.request("GET", "/api/v1/usage", headers=headers, token=False), 401)


def test_a_new_sign_in_takes_the_earlier_ones_cookie_away(served: Sandbox) -> None:
    first, second = enter(served, code_of(served)), code_of(served)
    cookie = first.headers["set-cookie"].partition(";")[0]
    name = cookie.partition("=")[0]
    port = served.sealed().settings.port
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        told = {"Origin": origin(served), "Content-Type": "application/json", "Cookie": cookie}
        connection.request("POST", "/sign-in", json.dumps({"code": second}), told)
        gone, new = connection.getresponse().headers.get_all("Set-Cookie") or []
    finally:
        connection.close()
    assert gone == f"{name}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"
    assert new.startswith(f"cco-{port}-")
    assert not new.startswith(name)


def test_a_browser_signs_out(served: Sandbox) -> None:
    first = enter(served, code_of(served))
    headers = {
        "Cookie": first.headers["set-cookie"].partition(";")[0],
        "X-CCO-Page": first.json()["page_key"],
        "Origin": origin(served),
    }
    answer = served.request("POST", "/sign-out", {}, headers, token=False)
    assert answer.status == 200
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert_problem(served.request("GET", "/api/v1/usage", headers=headers, token=False), 401)


def test_the_command_starts_the_daemon_and_prints_where_to_go(sandbox: Sandbox) -> None:
    result = sandbox.run("dashboard")  # no display here: nothing is opened
    assert result.code == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/sign-in#[\w-]{22}\n", result.out)
    assert "60 seconds" in result.err
    document = json.loads(sandbox.ok("dashboard", "--json"))
    assert set(document) == {"url", "expires_in_s"}
    assert sandbox.ok("dashboard", "--print-url").startswith("http://127.0.0.1:")


def test_the_command_hands_the_address_to_the_desktops_browser(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("xdg-open is of Linux desktops")
    opener, opened = tmp_path / "xdg-open", tmp_path / "opened"
    opener.write_text(f'#!/bin/sh\necho "$@" > {opened}.draft && mv {opened}.draft {opened}\n')
    opener.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    env = sandbox.environment(PATH=path, DISPLAY=":0")
    result = sandbox.run("dashboard", env=env)
    assert result.code == 0
    wait_until(opened.is_file, "the browser's start")
    assert opened.read_text() == result.out
    only_printed = sandbox.run("dashboard", "--print-url", env=env)
    assert only_printed.code == 0
    assert opened.read_text() == result.out


def test_no_project_is_handed_the_address(source_sandbox: Sandbox) -> None:
    """Where PATH names the current folder, as some people have it."""
    sandbox = source_sandbox
    opener, opened = sandbox.project / "xdg-open", sandbox.project / "opened"
    opener.write_text(f'#!/bin/sh\necho "$@" > {opened}\n')
    opener.chmod(0o755)
    env = sandbox.environment(PATH=f".::{os.environ['PATH']}", DISPLAY=":0", BROWSER="true")
    assert sandbox.run("dashboard", env=env).code == 0
    sandbox.ok("daemon", "stop")
    wait_until(lambda: not sandbox.processes(), "the end of whatever was started")
    assert not opened.exists()


def test_too_many_wrong_codes_are_refused_for_a_while(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    for _ in range(10):
        assert_problem(enter(source_sandbox, "wrong"), 403)
    answer = enter(source_sandbox, "wrong")
    assert_problem(answer, 429)
    assert enter(source_sandbox, code_of(source_sandbox)).status == 200
    assert answer.headers["retry-after"] == "60"
    large = source_sandbox.request(
        "POST", "/sign-in", {"code": "x" * 2_000}, {"Origin": origin(source_sandbox)}, token=False
    )
    assert_problem(large, 413)
