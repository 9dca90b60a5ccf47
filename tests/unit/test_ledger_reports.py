"""What the ledger says: recaps that fit their limit, and reports with the most expensive first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.errors import NotFound
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.recap import recap
from cco.ledger.records import AgentRun, Session, Usage
from cco.ledger.report import MAIN, UNKNOWN, agents_report, usage_report

runs = st.builds(
    AgentRun,
    agent_id=st.text(max_size=5),
    name=st.none() | st.text(max_size=120),
    description=st.text(max_size=120),
    status=st.sampled_from(["running", "done", "lost"]),
)
sessions = st.builds(
    Session,
    session_id=st.text(),
    request_opening=st.text(max_size=400),
    agents=st.dictionaries(st.text(max_size=5), runs, max_size=40),
    edited=st.dictionaries(st.text(max_size=300), st.text(max_size=120), max_size=60),
)


@given(sessions, st.integers(0, 5_000))
def test_a_recap_fits_its_limit_and_ends_with_a_whole_line(session: Session, limit: int) -> None:
    text = recap(session, limit)
    assert len(text) <= limit
    whole = recap(session, 1_000_000)
    assert whole == text or whole.startswith(text + "\n") or text == ""


@given(sessions)
def test_every_line_of_a_recap_is_an_item(session: Session) -> None:
    assert all(line.startswith(("- ", "  - ")) for line in recap(session, 1_000_000).split("\n"))


def test_those_at_work_come_first_then_the_latest_ended() -> None:
    session = Session("s")
    for number in range(15):
        session.agents[f"r{number}"] = AgentRun(f"r{number}", f"runs-{number}", "a task")
        session.agents[f"d{number}"] = AgentRun(f"d{number}", f"done-{number}", status="done")
    lines = recap(session, 100_000).splitlines()
    assert lines[0] == "- Specialists still working: 15; ended: 15."
    assert lines[1] == "  - runs-0 (running, 0 tool calls): “a task”"
    assert [line.split()[1] for line in lines[1:16]] == [f"runs-{number}" for number in range(15)]
    assert [line.split()[1] for line in lines[16:21]] == [f"done-{n}" for n in range(14, 9, -1)]
    assert len(lines) == 22


def test_the_latest_edits_come_first() -> None:
    session = Session("s", edited={f"/f{number}": "debugger" for number in range(30)})
    lines = recap(session, 100_000).splitlines()
    assert "Files edited in this session: 30" in lines[1]
    assert lines[2] == "  - /f29 (by debugger)"
    assert len(lines) == 2 + 25


def test_an_empty_session_says_so() -> None:
    text = recap(Session("s"), 1_000)
    assert "Specialists still working: 0; ended: 0." in text
    assert "No file was edited" in text


def ledger_of(*calls: tuple[str, str | None, str]) -> Ledger:
    """A ledger with calls of the model: session, agent, dollars."""
    ledger = Ledger()
    for number, (session_id, agent, cost) in enumerate(calls):
        attributes = {"session.id": session_id, "event.sequence": number, "cost_usd": cost}
        if agent is not None:
            attributes |= {"agent_id": f"id-{agent}", "model": "haiku"}
            if agent:
                payload = {"session_id": session_id, "agent_id": f"id-{agent}"}
                ledger.record_hook("SubagentStart", {**payload, "agent_type": f"cco:{agent}"})
        ledger.record_log(LogRecord("api_request", attributes))
    return ledger


LEDGER = ledger_of(
    ("one", None, "0.5"),
    ("one", "cheap", "0.25"),
    ("one", "dear", "2"),
    ("two", "dear", "1"),
    ("two", "", "0.125"),
    ("two", None, "0"),
)


def test_a_report_ranks_by_cost() -> None:
    report = usage_report(LEDGER)
    assert [(row["agent"], row["cost_usd"]) for row in report["agents"]] == [
        ("dear", 3.0),
        (MAIN, 0.5),
        ("cheap", 0.25),
        (UNKNOWN, 0.125),
    ]
    assert [(row["session_id"], row["cost_usd"]) for row in report["sessions"]] == [
        ("one", 2.75),
        ("two", 1.125),
    ]
    assert [(row["model"], row["cost_usd"]) for row in report["models"]] == [
        ("haiku", 3.375),
        ("unknown", 0.5),
    ]
    assert report["total"]["cost_usd"] == 3.875
    assert report["folded_sessions"] == 0
    assert [row["runs"] for row in report["agents"]] == [2, 2, 1, 1]


def test_a_report_can_be_of_one_session() -> None:
    report = usage_report(LEDGER, "two")
    assert report["total"]["cost_usd"] == 1.125
    assert {row["agent"] for row in report["agents"]} == {"dear", MAIN, UNKNOWN}
    with pytest.raises(NotFound):
        usage_report(LEDGER, "three")


def test_parts_of_a_report_add_up_to_its_total() -> None:
    report = usage_report(LEDGER)
    for part in ("agents", "models", "sessions"):
        for field in ("calls", "input_tokens", "duration_ms", "cost_usd"):
            assert sum(row[field] for row in report[part]) == report["total"][field]


def test_the_agents_report_is_about_specialists() -> None:
    rows = agents_report(LEDGER)
    assert [row["name"] for row in rows] == ["dear", "cheap", UNKNOWN]
    assert rows[0]["runs"] == rows[0]["running"] == 2


def test_an_empty_ledger_reports_nothing() -> None:
    report = usage_report(Ledger())
    assert report["agents"] == report["models"] == report["sessions"] == []
    assert report["total"] == Usage().document()
    assert report["total"]["cost_usd"] == 0.0
