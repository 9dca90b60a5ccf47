"""Whose calls they were, and whose conversation was compacted, where an old client does not say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cco.daemon.hooks.compactions import Compactions
from cco.daemon.telemetry.attribution import FOLLOWED_S, HELD_S, Attribution
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord

SESSION = "5d51457d"
OLD, NEW = "2.1.200", "2.1.330"


class Bench:
    """A ledger with one session, its transcripts, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000_000.0
        self.folder = folder
        self.main = folder / f"{SESSION}.jsonl"
        self.ledger = Ledger(clock=lambda: self.now)
        self.later: list[Any] = []
        self.attribution = Attribution(
            self.ledger, lambda seconds, call: self.later.append(call), lambda: self.now
        )
        self.compactions = Compactions(self.ledger)
        self.sequence = 0

    def hook(self, event: str, **payload: Any) -> None:
        whole = {"session_id": SESSION, "transcript_path": str(self.main), **payload}
        session = self.ledger.record_hook(event, whole)
        assert session is not None
        self.attribution.heard(event, session, whole)

    def start(self, agent_id: str, name: str = "debugger") -> None:
        self.hook("SubagentStart", agent_id=agent_id, agent_type=f"cco:{name}")

    def call(self, tokens: int, *, client: str = OLD, **more: Any) -> None:
        """Telemetry tells of a call."""
        self.sequence += 1
        attributes = {
            "session.id": SESSION,
            "event.sequence": self.sequence,
            "model": "claude-sonnet-5",
            "input_tokens": tokens,
            "output_tokens": 7,
            "cache_read_tokens": 1,
            "cache_creation_tokens": 2,
            "cost_usd": 0.5,
            **more,
        }
        record = LogRecord("api_request", attributes, client)
        if self.ledger.record_log(record):
            self.attribution.note(record)

    def write(self, agent_id: str | None, tokens: int, **more: Any) -> None:
        """A transcript tells of a call."""
        self.sequence += 1
        message = {
            "id": f"msg_{self.sequence}",
            "model": "claude-sonnet-5-20260601",
            "usage": {
                "input_tokens": tokens,
                "output_tokens": 1,
                "cache_read_input_tokens": 1,
                "cache_creation_input_tokens": 2,
            },
            **more,
        }
        self.append(agent_id, json.dumps({"type": "assistant", "message": message}) + "\n")

    def append(self, agent_id: str | None, text: str) -> None:
        path = self.main
        if agent_id is not None:
            path = self.folder / SESSION / "subagents" / f"agent-{agent_id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(text)

    def settle(self) -> None:
        self.attribution.settle()

    def calls(self) -> dict[str | None, int]:
        """How many calls count for whom; None is the session itself."""
        session = self.ledger.session(SESSION)
        found: dict[str | None, int] = {None: session.own_usage.calls}
        return found | {run.agent_id: run.usage.calls for run in session.agents.values()}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_call_is_given_to_the_agent_whose_transcript_has_it(bench: Bench) -> None:
    bench.start("a1")
    bench.start("a2", "rust-engineer")
    for tokens in (100, 101, 102, 103):
        bench.call(tokens)
    bench.write("a1", 101)
    bench.write("a2", 103)
    bench.write(None, 100)
    bench.settle()
    assert bench.calls() == {None: 2, "a1": 1, "a2": 1}
    session = bench.ledger.session(SESSION)
    assert session.client_version == OLD
    usage = session.agents["a1"].usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost_nanousd) == (101, 7, 500_000_000)
    assert session.total().cost_nanousd == 2_000_000_000
    bench.settle()
    assert bench.calls() == {None: 2, "a1": 1, "a2": 1}


def test_it_does_not_matter_which_comes_first(bench: Bench) -> None:
    bench.start("a1")
    bench.call(1)
    bench.write("a1", 101)
    bench.settle()
    assert bench.calls() == {None: 1, "a1": 0}
    bench.call(101)
    bench.settle()
    assert bench.calls() == {None: 1, "a1": 1}
    bench.call(102)
    bench.settle()
    assert bench.calls() == {None: 2, "a1": 1}
    bench.write("a1", 102)
    bench.later[-1]()  # what is not told yet is looked for again
    assert bench.calls() == {None: 1, "a1": 2}


def test_lines_of_one_answer_are_one_call(bench: Bench) -> None:
    bench.start("a1")
    bench.call(5)
    bench.call(5)
    for _ in range(3):
        bench.write("a1", 5, id="msg_same")
    bench.settle()
    assert bench.calls() == {None: 1, "a1": 1}


def test_half_a_line_waits_for_the_rest(bench: Bench) -> None:
    bench.start("a1")
    bench.call(5)
    message = {"id": "m", "usage": {"input_tokens": 5, "cache_read_input_tokens": 1,
                                    "cache_creation_input_tokens": 2}}  # fmt: skip
    line = json.dumps({"type": "assistant", "message": message}) + "\n"
    bench.append("a1", line[:40])
    bench.settle()
    assert bench.calls() == {None: 1, "a1": 0}
    bench.append("a1", line[40:])
    bench.settle()
    assert bench.calls() == {None: 0, "a1": 1}


def test_of_calls_that_look_alike_the_same_request_is_taken(bench: Bench) -> None:
    bench.start("a1")
    bench.call(5, request_id="req_1", cost_usd=1)
    bench.call(5, request_id="req_2", cost_usd=2)
    bench.call(5, model="claude-opus-5", cost_usd=4)
    bench.append(
        "a1",
        json.dumps(
            {
                "type": "assistant",
                "requestId": "req_2",
                "message": {"id": "m", "usage": {"input_tokens": 5, "cache_read_input_tokens": 1,
                                                 "cache_creation_input_tokens": 2}},
            }
        ) + "\n",
    )  # fmt: skip
    bench.write("a1", 5, model="claude-opus-5-20260601")
    bench.settle()
    assert bench.ledger.session(SESSION).own_usage.cost_nanousd == 1_000_000_000


def test_what_nobody_claims_is_the_sessions_own(bench: Bench) -> None:
    """Until then a counter that can only rise must not show it."""
    bench.start("a1")
    bench.call(5)
    bench.settle()
    assert len(list(bench.attribution.unsettled())) == 1
    bench.now += HELD_S + 1
    bench.settle()
    assert list(bench.attribution.unsettled()) == []
    bench.write("a1", 5)
    bench.settle()
    assert bench.calls() == {None: 1, "a1": 0}


def test_an_agent_that_ended_is_followed_for_a_while(bench: Bench) -> None:
    bench.start("a1")
    bench.hook("SubagentStop", agent_id="a1", agent_type="cco:debugger")
    bench.now += FOLLOWED_S - 1
    bench.call(5)
    bench.write("a1", 5)
    bench.settle()
    assert bench.calls() == {None: 0, "a1": 1}
    bench.now += HELD_S + 2
    bench.settle()
    waiting = len(bench.later)
    bench.later[-1]()
    assert len(bench.later) == waiting, "nobody is followed any more"


def test_a_client_that_tells_is_believed(bench: Bench) -> None:
    bench.start("a1")
    bench.call(5, client=NEW)
    bench.call(6, client="")
    bench.write("a1", 5)
    bench.write("a1", 6)
    bench.settle()
    assert bench.calls() == {None: 2, "a1": 0}
    assert bench.later == []


@pytest.mark.parametrize(
    "line",
    ['"assistant"\n', '{"type": "assistant"}\n', '{"type": "assistant", "message": null}\n',
     '{"type": "assistant", "message": {"id": 1, "usage": 5}}\n', "[" * 100_000 + '"assistant"\n',
     '{"type": "user", "message": {"id": "m", "usage": {"input_tokens": 5}}, "x": "assistant"}\n',
     '{"type": "assistant", "message": {"id": "m", "usage": {"input_tokens": {}}}}\n'],
)  # fmt: skip
def test_a_transcript_that_makes_no_sense_claims_nothing(bench: Bench, line: str) -> None:
    bench.start("a1")
    bench.call(5)
    bench.append("a1", line)
    bench.settle()
    assert bench.calls() == {None: 1, "a1": 0}


def test_only_regular_files_beside_the_session_are_read(bench: Bench) -> None:
    folder = bench.folder / SESSION / "subagents"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "agent-a1.jsonl")
    bench.start("a1")
    bench.start("../../x")
    bench.call(5)
    bench.settle()
    assert bench.calls() == {None: 1, "a1": 0, "../../x": 0}


def compacted(bench: Bench, model: str = "claude-sonnet-5-20260601", **more: Any) -> object:
    payload = {
        "session_id": SESSION,
        "transcript_path": str(bench.main),
        "source": "compact",
        "model": model,
        **more,
    }
    return bench.compactions.with_agent("SessionStart", payload).get("agent_id")


def test_a_compaction_is_the_one_whose_conversation_grew_too_long(bench: Bench) -> None:
    bench.start("a1")
    bench.start("a2")
    bench.call(5)
    bench.write(None, 900)
    bench.write("a1", 800)
    bench.write("a2", 700)
    assert compacted(bench) is None
    bench.write("a2", 1000)
    bench.write(None, 2000, model="claude-opus-5")  # another model: it is not the one that starts
    assert compacted(bench) == "a2"
    after = {"session_id": SESSION}
    told = bench.compactions.with_agent("PostCompact", dict(after))
    assert (told["agent_id"], told["agent_type"]) == ("a2", "cco:debugger")
    assert bench.compactions.with_agent("PostCompact", dict(after)) == after


def test_a_compaction_is_the_sessions_own_where_nobody_else_works(bench: Bench) -> None:
    bench.start("a1")
    bench.call(5)
    bench.write("a1", 1000)
    bench.hook("SubagentStop", agent_id="a1", agent_type="cco:debugger")
    assert compacted(bench) is None
    assert compacted(bench, agent_id="a9") == "a9"


def test_a_client_of_today_says_whose_compaction_it_is(bench: Bench) -> None:
    bench.start("a1")
    bench.call(5, client=NEW)
    bench.write("a1", 1000)
    assert compacted(bench) is None
