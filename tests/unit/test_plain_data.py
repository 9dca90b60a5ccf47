"""Records of the ledger as plain data, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.errors import SealedPayloadInvalid
from cco.ledger.memory import Memory
from cco.ledger.plain import from_plain, to_plain, update
from cco.ledger.records import END_OF_TIME_S, AgentRun, PastRuns, Session, Usage
from cco.ledger.totals import AgentTotals, Totals

COUNTS = st.integers(0, 1 << 60)
TEXTS = st.text(max_size=20)
TIMES = st.floats(0, 1e12)
HOURS = st.integers(0, END_OF_TIME_S - 1)
USAGES = st.builds(Usage, *[COUNTS] * 7)
MODELS = st.dictionaries(TEXTS, USAGES, max_size=3)
RECORDS = [
    st.builds(AgentRun, TEXTS, usage=USAGES, other_models=st.none() | MODELS),
    st.builds(
        PastRuns, COUNTS, COUNTS, model=TEXTS, usage=USAGES, other_models=st.none() | MODELS
    ),
    st.builds(AgentTotals, COUNTS, COUNTS, COUNTS, USAGES),
    st.builds(
        Totals, COUNTS, total=USAGES, hours=st.dictionaries(HOURS, USAGES, max_size=3),
        agent_models=st.dictionaries(st.tuples(TEXTS, TEXTS), USAGES, max_size=3),
    ),
    st.from_type(Memory),
    st.builds(
        Session, session_id=TEXTS, agents=st.just({}), memory=st.builds(Memory),
        started_at=TIMES, last_seen_at=TIMES, ended_at=st.none() | TIMES, active_time_s=TIMES,
        context_used_percent=st.none() | TIMES,
    ),
]  # fmt: skip


@given(st.one_of(RECORDS))
def test_a_record_comes_back_from_plain_data(record: Any) -> None:
    plain = json.loads(json.dumps(to_plain(record)))
    assert from_plain(type(record), plain) == record
    assert to_plain(from_plain(type(record), plain)) == to_plain(record)


def test_every_field_of_a_record_has_its_way_to_be_written() -> None:
    for record in (Session(""), AgentRun(""), PastRuns(), AgentTotals(), Totals(), Memory()):
        to_plain(record)


@pytest.mark.parametrize(
    "plain",
    [None, [], 5, {}, {"agent_id": 5}, {"agent_id": "a", "usage": 5},
     {"agent_id": "a", "usage": [1] * 99}, {"agent_id": "a", "usage": ["1"]},
     {"agent_id": "a", "tool_calls": True}, {"agent_id": "a", "started_at": "now"},
     {"agent_id": "a", "other_models": [["x"]]}, {"agent_id": "a", "other_models": {}},
     {"agent_id": "a", "name": []}, {"agent_id": "a", "started_at": float("inf")},
     {"agent_id": "a", "ended_at": float("nan")}, {"agent_id": "a", "tool_calls": 10**300},
     {"agent_id": "a", "usage": [-(10**300)]}, {"agent_id": "a", "status": "lively"},
     {"agent_id": "a", "status": []}],
)  # fmt: skip
def test_plain_data_that_is_no_record_is_refused(plain: Any) -> None:
    with pytest.raises(SealedPayloadInvalid):
        from_plain(AgentRun, plain)


def test_a_field_of_another_version_is_left_out() -> None:
    assert from_plain(AgentRun, {"agent_id": "a", "colour": 5}) == AgentRun("a")
    run = AgentRun("a")
    update(run, {"colour": 5, "tool_calls": 2})
    assert run == AgentRun("a", tool_calls=2)
