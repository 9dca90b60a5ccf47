"""The ledger stays small: what is forgotten, folded, and counted all the same."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cco.errors import NotFound
from cco.ledger import ledger as ledger_module
from cco.ledger import seen as seen_module
from cco.ledger.ledger import MAX_AGENTS_PER_SESSION, MAX_SESSIONS
from cco.ledger.memory import MAX_EDITED_FILES
from cco.ledger.otlp import LogRecord
from cco.ledger.report import usage_report
from cco.ledger.totals import MAIN, totals_of
from tests.unit.told import Event, call, hook, make_ledger, record


def test_of_records_the_latest_are_known_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen_module, "MAX_DIGESTS", 20)
    ledger = record(*(call(number) for number in range(50)))
    for number in range(40, 50):
        call(number)(ledger)
    assert ledger.session("s").total().calls == 50
    assert len(list(ledger.seen)) <= 20


def test_sessions_are_bounded_and_fold_into_the_totals() -> None:
    extra = 50
    number = MAX_SESSIONS + extra
    events: list[Event] = []
    for index in range(number):
        events += [hook("SessionStart", f"s{index}"), call(1, f"s{index}", cost_usd="0.01")]
        events += [hook("SessionEnd", f"s{index}")] if index % 2 else []
    ledger = record(*events)
    kept = {session.session_id for session in ledger.sessions()}
    assert len(kept) == MAX_SESSIONS
    assert ledger.folded.sessions == extra
    assert {f"s{index}" for index in range(1, 2 * extra, 2)} & kept == set()  # the ended first
    assert {f"s{index}" for index in range(0, 2 * extra, 2)} <= kept
    report = usage_report(ledger)
    assert report["total"]["calls"] == number
    assert report["total"]["cost_usd"] == float(Decimal(number) / 100)
    assert report["folded_sessions"] == extra
    with pytest.raises(NotFound):
        ledger.session("s1")


def test_a_session_that_goes_on_after_it_was_folded_counts_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ledger_module, "MAX_SESSIONS", 2)
    first = [hook("SessionStart", "s"), call(1, "s", cost_usd="1"), hook("SessionEnd", "s")]
    others = [hook("SessionStart", name) for name in "tu"]
    ledger = record(*first, *others)
    assert ledger.get("s") is None
    call(1, "s", cost_usd="1")(ledger)  # known already
    assert ledger.get("s") is None
    call(2, "s", cost_usd="0.5")(ledger)  # late: its session is still one of ours
    assert ledger.session("s").orchestrated
    totals = totals_of(ledger.sessions())
    totals.add(ledger.folded)
    assert (totals.sessions, totals.agents[MAIN].runs, totals.total.calls) == (3, 3, 2)
    report = usage_report(ledger)
    assert (report["total"]["cost_usd"], report["foreign"]["calls"]) == (1.5, 0)


def test_what_a_folded_session_counted_stays_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_SESSIONS", 1)
    ledger = record(hook("PostCompact", "s"), hook("PreToolUse", "s"))
    ledger.record_log(LogRecord("api_error", {"session.id": "s"}))
    ledger.session("s").conflicts = 2
    hook("SessionStart", "t")(ledger)
    assert ledger.get("s") is None
    sums = ledger.folded
    assert (sums.sessions, sums.compactions, sums.api_errors, sums.conflicts) == (1, 1, 1, 2)


def test_foreign_sessions_fold_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_SESSIONS", 2)
    foreign = [call(1, f"f{number}", cost_usd="0.1") for number in range(5)]
    ledger = record(*foreign, hook("SessionStart", "s"), call(1, "s", cost_usd="7"))
    report = usage_report(ledger)
    assert report["total"]["cost_usd"] == 7.0
    assert (report["foreign"]["sessions"], report["foreign"]["cost_usd"]) == (5, 0.5)
    assert report["folded_sessions"] == 0
    assert usage_report(ledger, "s")["foreign"]["sessions"] == 0


def test_words_are_kept_of_the_sessions_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_REMEMBERED", 3)
    edit = {"tool_name": "Edit", "tool_input": {"file_path": "/f"}}
    ledger = make_ledger()
    for number in range(8):
        hook("UserPromptSubmit", f"s{number}", prompt="words")(ledger)
        hook("PostToolUse", f"s{number}", **edit)(ledger)
        if number in (0, 6, 7):
            hook("SessionEnd", f"s{number}")(ledger)
        hook("Stop", "s1")(ledger)
    ledger.forget_words()
    remembered = {one.session_id for one in ledger.sessions() if one.memory.first_request}
    assert remembered == {"s1", "s4", "s5"}, "first those that have not ended"
    files = [one.document()["files_edited"] for one in ledger.sessions()]
    assert sum(files) == 8


def test_edited_files_and_agents_are_bounded() -> None:
    ledger = make_ledger()
    for index in range(MAX_EDITED_FILES + 10):
        hook("PostToolUse", tool_name="Edit", tool_input={"file_path": f"/{index}"})(ledger)
    for index in range(MAX_AGENTS_PER_SESSION + 10):
        call(index, agent_id=f"a{index}", cost_usd="1")(ledger)
    session = ledger.session("s")
    assert len(session.memory.edited) == MAX_EDITED_FILES
    assert f"/{MAX_EDITED_FILES + 9}" in session.memory.edited
    assert len(session.agents) <= MAX_AGENTS_PER_SESSION
    assert session.total().calls == MAX_AGENTS_PER_SESSION + 10
