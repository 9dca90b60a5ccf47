"""What the ledger reports: the most expensive first, and parts that add up."""

from __future__ import annotations

import pytest

from cco.errors import NotFound
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.records import Usage
from cco.ledger.report import MAIN, UNKNOWN, agents_report, usage_report


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
