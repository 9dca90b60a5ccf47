"""Query parameters: any text is a value of the described kind, or refused by name."""

from __future__ import annotations

import base64
import json
import math
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cco.daemon.api import events, notes, resources
from cco.daemon.api.leases import PATH
from cco.daemon.api.parameters import Choice, Cursor, Number, Parameter, cursor_of, page_size
from cco.daemon.handler import Problem
from tests.fuzz.in_process import Daemon, strict_json
from tests.fuzz.script import check_answer
from tests.vectors.drawn import JSON_VALUES

NUMBERS = (page_size(), events.AFTER)
CURSORS = (resources.SESSIONS_CURSOR, resources.AGENTS_CURSOR, notes.CURSOR)
NUMERALS = st.text("0123456789", max_size=20) | st.sampled_from(
    ["-1", "+1", " 1", "1e2", "0x1", "٣"]
)


def read(parameter: Parameter, text: str) -> Any:
    """The value, or None where it is refused by the parameter's name."""
    try:
        return parameter.read(text)
    except Problem as problem:
        assert problem.status == 400
        assert problem.parameter == parameter.name
        assert parameter.name in problem.detail
        assert len(problem.detail) < 300
        return None


@given(st.sampled_from(NUMBERS), NUMERALS | st.text(max_size=10))
@example(NUMBERS[0], "0001")
def test_a_number_is_in_its_range(parameter: Number, text: str) -> None:
    value = read(parameter, text)
    if value is None:
        assert (
            not text.isascii()
            or not text.isdecimal()
            or not (parameter.least <= int(text) <= parameter.most and len(text) <= 16)
        )
    else:
        assert type(value) is int
        assert parameter.least <= value <= parameter.most


@given(st.text(max_size=10))
def test_a_choice_is_one_of_its_words(text: str) -> None:
    assert isinstance(resources.STATUS, Choice)
    assert read(resources.STATUS, text) == (text if text in resources.STATUS.choices else None)


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20), st.integers())
def test_a_cursor_leads_back_to_its_place(at: float, name: str, number: int) -> None:
    for cursor, place in zip(CURSORS, [(at, name), (number, name), (number,)], strict=True):
        assert read(cursor, cursor_of(*place)) == place


@given(st.sampled_from(CURSORS), st.text(max_size=40) | JSON_VALUES | st.binary(max_size=30))
@example(CURSORS[0], [float("inf"), "a"])
@example(CURSORS[0], [True, "a"])
def test_no_other_text_is_a_cursor(cursor: Cursor, told: Any) -> None:
    text = told
    if not isinstance(told, str):
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        text = base64.urlsafe_b64encode(data).decode()
    value = read(cursor, text)
    if value is not None:
        assert [type(one) for one in value] == list(cursor.kinds)
        assert all(math.isfinite(one) for one in value if type(one) is float)


@given(st.text(max_size=1_200))
def test_a_text_is_as_long_as_it_may_be(text: str) -> None:
    assert read(PATH, text) == (text if 1 <= len(text) <= PATH.most_chars else None)


TARGETS = ("/api/v1/sessions", "/api/v1/agents", "/api/v1/usage", "/api/v1/notes", "/api/v1/leases",
           "/api/v1/budget", "/api/v1/sessions/s", "/api/v1/sessions/s/events")  # fmt: skip
QUERY_NAMES = st.sampled_from("limit cursor project status session q after path".split()) | st.text(
    max_size=5
)


@pytest.mark.parametrize("target", TARGETS)
def test_any_query_is_answered_or_refused(target: str) -> None:
    daemon = Daemon()
    daemon.json("POST", "/hooks/SessionStart", {"session_id": "s", "cwd": "/tmp"})

    @given(st.lists(st.tuples(QUERY_NAMES, NUMERALS | st.text(max_size=20)), max_size=3))
    def holds(pairs: list[tuple[str, str]]) -> None:
        answer = daemon.request("GET", f"{target}?{urlencode(pairs, errors='surrogatepass')}")
        assert answer.status in (200, 400, 404)
        check_answer(answer)

    holds()


@given(st.binary(max_size=30))
def test_any_bytes_in_an_address_name_nothing_or_something(name: bytes) -> None:
    daemon = Daemon()
    for target in (
        "/api/v1/sessions/",
        "/api/v1/agents/",
        "/api/v1/notes/",
        "/hooks/",
        "/web/",
        "/",
    ):
        for query in ("", f"?q={quote_from_bytes(name)}"):
            answer = daemon.request("GET", target + quote_from_bytes(name, safe="") + query)
            assert answer.status in (200, 400, 404, 405), answer
            check_answer(answer)
    document = strict_json(
        daemon.request("GET", "/health?challenge=" + quote_from_bytes(name)).body
    )
    assert "proof" not in document or len(document["proof"]) == 64
