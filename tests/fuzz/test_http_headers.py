"""What decides who gets in, and what else comes in headers: any text there is harmless."""

from __future__ import annotations

import re
from http import HTTPStatus

from hypothesis import assume, example, given
from hypothesis import strategies as st

from cco.claude.headers import BUDGET_HEADER, LAUNCH_HEADER
from cco.daemon.api.events import _ID
from cco.daemon.dashboard.sign_in import MAX_FAILURES, SignIns, TooManyFailures
from cco.daemon.telemetry.exposition import wants_openmetrics
from cco.daemon.telemetry.forward import _seconds
from tests.fuzz.in_process import INSTANCE, PORT, TOKEN, Daemon
from tests.fuzz.script import check_answer

HEADER = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60).filter(
    lambda text: text == text.strip() and "\x7f" not in text and not re.search("[\x80-\x9f]", text)
)
"""As tornado lets it through: bytes, as latin-1."""
NEAR_HOSTS = st.sampled_from(
    [f"127.0.0.1:{PORT} ", f"LOCALHOST:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT}@a", "[::1]",
     f"0.0.0.0:{PORT}", f"127.1:{PORT}", f"localhost.:{PORT}", f"127.0.0.1:{PORT}, a", ""]
)  # fmt: skip
HOSTS = (f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}")
DAEMON = Daemon()


@given(HEADER | NEAR_HOSTS)
def test_only_loopback_names_are_served(host: str) -> None:
    assume(host not in HOSTS)
    answer = DAEMON.request("GET", "/health", headers={"Host": host})
    assert answer.status == HTTPStatus.MISDIRECTED_REQUEST or not answer.body
    assert 400 <= answer.status < 500


NEAR_TOKENS = st.sampled_from(
    [TOKEN, f"bearer {TOKEN}", f"Bearer  {TOKEN}", f"Bearer {TOKEN}=", f"Bearer {TOKEN[:-1]}",
     "Bearer", "Bearer null", f"Basic {TOKEN}", f"Bearer {TOKEN.lower()}", f"Bearer {TOKEN}\xa0"]
)  # fmt: skip


@given(
    HEADER | NEAR_TOKENS, st.sampled_from(["/api/v1/sessions", "/mcp", "/hooks/Stop", "/metrics"])
)
def test_only_the_token_lets_in(authorization: str, target: str) -> None:
    assume(authorization != f"Bearer {TOKEN}")
    answer = DAEMON.request("POST", target, b"{}", {"Authorization": authorization})
    assert answer.status == HTTPStatus.UNAUTHORIZED
    assert answer.headers["www-authenticate"] == "Bearer"
    check_answer(answer)


@given(HEADER | st.sampled_from(["null", f"https://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT}/"]))
def test_no_other_origin_may_write(origin: str) -> None:
    allowed = origin in [f"http://{host}" for host in HOSTS]
    body = b'{"session_id": "s"}'
    answer = DAEMON.request("POST", "/hooks/Stop", body, {"Origin": origin})
    assert answer.status == (HTTPStatus.OK if allowed else HTTPStatus.FORBIDDEN)


@given(HEADER | st.sampled_from(["application/json;charset=utf-8", "APPLICATION/JSON ;x"]))
def test_bodies_are_json_or_refused(kind: str) -> None:
    named = kind.partition(";")[0].strip().lower() == "application/json"
    body = b'{"session_id": "s"}'
    answer = DAEMON.request("POST", "/hooks/Stop", body, {"Content-Type": kind})
    assert answer.status == (HTTPStatus.OK if named else HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


@given(HEADER, HEADER | st.sampled_from(["5", "1e999", "nan", "-1", "0", "1e-30", "٣"]))
def test_a_launch_says_what_it_may_cost_or_nothing(launch_id: str, budget: str) -> None:
    daemon = Daemon()
    headers = {LAUNCH_HEADER: launch_id, BUDGET_HEADER: budget}
    answer = daemon.request("POST", "/hooks/Stop", b'{"session_id": "s"}', headers)
    assert answer.status == HTTPStatus.OK
    session = daemon.ledger.session("s")
    assert session.launch_id is None or session.launch_id.isalnum()
    standing = daemon.state.budgets.session(session)
    assert standing.limit_nanousd is None or standing.limit_nanousd > 0
    check_answer(daemon.request("GET", "/api/v1/budget"))


@given(
    HEADER
    | st.from_regex(_ID, fullmatch=True)
    | st.integers(-1, 9).map(lambda number: f"{INSTANCE.hex()}-{number}")
)
@example(f"{INSTANCE.hex()}-99999999999999999999")
@example(f"{INSTANCE.hex()}-\u0663")
def test_an_event_id_is_one_of_ours_or_none(text: str) -> None:
    told = _ID.fullmatch(text)
    assert told is None or (text == f"{told[1]}-{told[2]}" and int(told[2]) < 10**15)


@given(st.text(max_size=60) | st.lists(st.sampled_from(
    ["application/openmetrics-text", "text/plain", "*/*", ";", ",", "q=", "0.5", "nan",
     "version=1.0.0"]
)).map("".join))  # fmt: skip
def test_any_accept_header_gets_an_answer(accept: str) -> None:
    assert wants_openmetrics(accept) in (True, False)


@given(st.text(max_size=40) | st.sampled_from(
    ["Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 99 Oct 2026 07:28:00", "1" * 30, "-5", "0", "1e9",
     "Fri, 31 Dec 9999 23:59:59 +9999", "Mon, 01 Jan 0001 00:00:00 +2359", "1 Jan 1 00:00"]
))  # fmt: skip
def test_any_retry_after_is_a_time_to_wait(text: str) -> None:
    assert 0 <= _seconds(text) < float("inf")


@given(st.lists(st.text(max_size=120), max_size=MAX_FAILURES + 3))
def test_no_guess_opens_the_dashboard(codes: list[str]) -> None:
    now = 0.0
    sign_ins = SignIns(clock=lambda: now)
    right = sign_ins.new_code()
    for number, code in enumerate(codes):
        try:
            assert sign_ins.redeem(code) is None
        except TooManyFailures:
            assert number >= MAX_FAILURES
        assert not sign_ins.admits(code, code)
    if len(codes) < MAX_FAILURES:
        found = sign_ins.redeem(right)
        assert found is not None
        assert sign_ins.admits(found.cookie, found.page_key)


METHODS = st.sampled_from(
    ["BREW", "TRACE", "CONNECT", "PROPFIND", "get", "PATCH", "OPTIONS", "PUT"]
)


@given(METHODS, st.sampled_from(["/hooks/Stop", "/hooks/Nothing", "/mcp", "/health", "/x", "/"]))
def test_any_method_is_answered_and_counted(method: str, target: str) -> None:
    """Also one that tornado refuses before a handler has seen what the address names."""
    answer = DAEMON.request(method, target, b"{}")
    assert answer.status in (404, 405)
    check_answer(answer)
    assert DAEMON.request("GET", "/metrics").status == HTTPStatus.OK
