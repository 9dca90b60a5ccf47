"""What holds of a ledger whatever it was told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cco.ledger import ledger as ledger_module
from cco.ledger import memory
from cco.ledger.ledger import Ledger
from cco.ledger.records import Session, Usage
from cco.ledger.state import LedgerState
from cco.ledger.totals import Totals, totals_of
from tests.fuzz.in_process import Daemon
from tests.fuzz.script import check_answer

READABLE = (
    "/api/v1/sessions",
    "/api/v1/agents",
    "/api/v1/usage",
    "/api/v1/notes",
    "/api/v1/leases",
    "/api/v1/budget",
    "/metrics",
)


def added(usages: Iterable[Usage]) -> Usage:
    total = Usage()
    for usage in usages:
        total.add(usage)
    return total


def check_sums(ledger: Ledger) -> None:
    """Every way to add up comes to the same."""
    sessions = ledger.sessions()
    for session in sessions:
        total = session.total()
        assert total == added(session.models.values()), "models"
        assert total == added(session.hours.values()), "hours"
        for run in session.agents.values():
            assert run.usage == added(run.by_model().values()), "an agent's models"
    everything = totals_of(sessions)
    for sums in (ledger.folded, ledger.folded_foreign):
        everything.add(sums)
    check_totals(everything)


def check_totals(totals: Totals) -> None:
    for part in (totals.models, totals.agent_models, totals.projects, totals.hours):
        assert totals.total == added(part.values())
    assert totals.total == added(agent.usage for agent in totals.agents.values())


def check_bounds(ledger: Ledger) -> None:
    """Nothing grows without end."""
    sessions = ledger.sessions()
    assert len(sessions) <= ledger_module.MAX_SESSIONS
    for session in sessions:
        assert len(session.models) <= ledger_module.MAX_MODELS_PER_SESSION + 1
        words = session.memory
        assert len(words.first_request) <= memory.OPENING_CHARS
        assert len(words.latest_requests) <= memory.MAX_REQUESTS
        assert len(words.tasks) <= memory.MAX_TASKS
        assert len(words.decisions) <= memory.MAX_DECISIONS
        assert len(words.failing) <= memory.MAX_FAILURES
        assert len(words.edited) <= memory.MAX_EDITED_FILES
        assert len(words.reports) <= memory.MAX_REPORTS


def check_pages(daemon: Daemon) -> None:
    """Whatever happened, everything can be read."""
    for target in READABLE:
        answer = daemon.request("GET", target)
        check_answer(answer)
        assert answer.status == 200, (target, answer)


def told(ledger: Ledger) -> dict[str, Any]:
    """All that a ledger knows, to be compared."""
    return {
        "sessions": {one.session_id: _told_of(one) for one in ledger.sessions()},
        "folded": [ledger.folded, ledger.folded_foreign],
        "notes": [note.document() for note in ledger.notes.latest()],
        "seen": set(ledger.seen),
    }


def _told_of(session: Session) -> Any:
    document = {**session.document(), "waiting": "of this moment alone"}
    return document, session.memory, session.hours, session.owes_rules


def check_written_down(ledger: Ledger) -> None:
    """Written down and made again, it is the same, and so it stays."""
    before = told(ledger)
    lines = list(LedgerState(ledger).everything())
    again = LedgerState(Ledger())
    for line in lines:
        again.restore(json.loads(line.encode().decode()))
    again.finish()
    assert told(again.ledger) == before
    assert sorted(LedgerState(again.ledger).everything()) == sorted(lines)


def check(daemon: Daemon) -> None:
    """All of it."""
    check_sums(daemon.ledger)
    check_bounds(daemon.ledger)
    check_pages(daemon)
    check_written_down(daemon.ledger)
