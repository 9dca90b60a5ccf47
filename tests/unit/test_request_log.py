"""What the log says of requests that fail: what a person must see, and no more."""

from __future__ import annotations

import logging

import pytest

from tests.fuzz.in_process import Daemon


@pytest.fixture
def logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("cco"), "propagate", True)
    return caplog


def test_a_defect_is_logged_with_its_cause_and_not_told(
    logged: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise KeyError("of nobody's business")

    daemon = Daemon()
    monkeypatch.setattr(daemon.ledger, "sessions", fail)
    answer = daemon.request("GET", "/api/v1/sessions")
    assert (answer.status, answer.json()["detail"]) == (500, "Internal Server Error")
    assert b"nobody" not in answer.body
    (record,) = logged.records
    assert (record.levelname, record.getMessage()) == (
        "ERROR",
        "SessionsHandler failed: KeyError",
    )
    assert record.exc_info
    assert record.exc_info[0] is KeyError


def test_what_cannot_be_answered_is_logged_in_a_line(logged: pytest.LogCaptureFixture) -> None:
    assert Daemon().request("GET", "/api/v1/sessions/none").status == 404
    (record,) = logged.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == "/api/v1/sessions/none: no session 'none'"
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("target", "headers"),
    [("/api/v1/usage", {"Authorization": "Bearer x"}), ("/api/v1/usage?limit=x", {}), ("/x", {})],
)
def test_what_is_refused_fills_no_log(
    logged: pytest.LogCaptureFixture, target: str, headers: dict[str, str]
) -> None:
    assert 400 <= Daemon().request("GET", target, headers=headers).status < 500
    assert logged.records == []
