"""What /metrics makes of the ledger: the same sums, and counters that only go up."""

from __future__ import annotations

import random
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.daemon.state import State
from cco.daemon.telemetry.attribution import Attribution
from cco.daemon.telemetry.exposition import Family, Labels
from cco.daemon.telemetry.metrics import NAMING_S, Metrics
from cco.ledger import ledger as ledger_module
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.report import usage_report
from cco.ledger.totals import MAIN, UNKNOWN


class Bench:
    """A ledger and the metrics over it, at a time of one's own."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.ledger = Ledger(clock=lambda: self.now)
        self.metrics = Metrics(clock=lambda: self.now)
        self.sequence = 0

    def call(
        self, session: str, agent_id: str = "", model: str = "opus", usd: float = 0.1, **more: Any
    ) -> None:
        self.sequence += 1
        attributes = {
            "session.id": session,
            "event.sequence": self.sequence,
            "model": model,
            "cost_usd": usd,
            "input_tokens": 10,
            "output_tokens": 3,
            "duration_ms": 1500,
            **more,
        }
        attributes |= {"agent_id": agent_id} if agent_id else {}
        self.ledger.record_log(LogRecord("api_request", attributes))

    def hook(self, event: str, session: str, **payload: Any) -> None:
        self.ledger.record_hook(event, {"session_id": session, **payload})

    def named(self, session: str, agent_id: str, name: str) -> None:
        self.hook("SubagentStart", session, agent_id=agent_id, agent_type=f"cco:{name}")

    def read(self) -> dict[str, dict[Labels, float]]:
        """Series by the name of their metric."""
        families = self.metrics._of_ledger(self.ledger)
        return {one.name: dict(one.series) for one in families if isinstance(one, Family)}


def by(series: dict[Labels, float], *names: str) -> dict[tuple[str, ...], float]:
    """Sums of series by some of their labels."""
    sums: dict[tuple[str, ...], float] = {}
    for labels, value in series.items():
        key = tuple(dict(labels)[name] for name in names)
        sums[key] = sums.get(key, 0) + value
    return sums


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_figures_are_by_agent_model_and_kind(bench: Bench) -> None:
    bench.hook("SessionStart", "s", cwd="/secret/project")
    bench.named("s", "1", "debugger")
    bench.call("s", model="opus", usd=0.5)
    bench.call("s", "1", model="sonnet", usd=0.25, cache_read_tokens=7, cache_creation_tokens=9)
    bench.call("s", "1", model="haiku", usd=0.125)
    bench.hook("PostToolUse", "s", tool_name="Bash", agent_id="1")
    found = bench.read()
    assert by(found["cco_cost_usd"], "agent", "model") == {
        (MAIN, "opus"): 0.5,
        ("debugger", "sonnet"): 0.25,
        ("debugger", "haiku"): 0.125,
    }
    tokens = by(found["cco_tokens"], "agent", "model", "kind")
    assert tokens["debugger", "sonnet", "input"] == 10
    assert tokens["debugger", "sonnet", "output"] == 3
    assert tokens["debugger", "sonnet", "cache_read"] == 7
    assert tokens["debugger", "sonnet", "cache_creation"] == 9
    assert by(found["cco_model_call_seconds"], "agent") == {(MAIN,): 1.5, ("debugger",): 3.0}
    assert by(found["cco_model_calls"], "agent") == {(MAIN,): 1, ("debugger",): 2}
    assert by(found["cco_tool_calls"], "agent") == {("debugger",): 1}
    assert by(found["cco_agent_runs"], "agent") == {("debugger",): 1}
    assert by(found["cco_agents_running"], "agent") == {("debugger",): 1}
    assert "secret" not in repr(found)


def test_sessions_are_counted_by_status(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_SESSIONS", 3)
    bench.call("foreign")
    for number in range(4):
        bench.now += 1
        bench.hook("SessionStart", f"s{number}")
        bench.hook("PostCompact", f"s{number}")
        if number < 2:
            bench.hook("SessionEnd", f"s{number}")
    found = bench.read()
    statuses = by(found["cco_sessions"], "status")
    assert statuses["running",] == 2
    assert statuses["running",] + statuses["ended",] + statuses["folded",] == 4
    assert found["cco_sessions_started"] == {(): 4}
    assert found["cco_compactions"] == {(): 4}
    assert by(found["cco_cost_usd"], "agent") == {}, "what is not ours is not in our figures"


def test_telemetry_that_overtakes_the_start_is_shown_when_the_name_is_known(bench: Bench) -> None:
    bench.hook("SessionStart", "s")
    bench.call("s", "1", usd=0.25)
    assert by(bench.read()["cco_cost_usd"], "agent") == {}
    bench.named("s", "1", "debugger")
    assert by(bench.read()["cco_cost_usd"], "agent") == {("debugger",): 0.25}


@pytest.mark.parametrize("how", ["time", "end"])
def test_what_never_gets_a_name_is_shown_as_nobodys(bench: Bench, how: str) -> None:
    bench.hook("SessionStart", "s")
    bench.call("s", "1", usd=0.25)
    if how == "time":
        bench.now += NAMING_S
    else:
        bench.hook("SessionEnd", "s")
    assert by(bench.read()["cco_cost_usd"], "agent") == {(UNKNOWN,): 0.25}
    assert by(bench.read()["cco_agent_runs"], "agent") == {(UNKNOWN,): 1}


def test_a_name_that_comes_far_too_late_takes_nothing_back(bench: Bench) -> None:
    bench.hook("SessionStart", "s")
    bench.call("s", "1", usd=0.25)
    bench.call("s", "2", usd=0.5)
    bench.now += NAMING_S
    bench.read()
    bench.named("s", "1", "debugger")
    found = by(bench.read()["cco_cost_usd"], "agent")
    assert found == {(UNKNOWN,): 0.75, ("debugger",): 0.25}


def test_labels_that_look_the_same_when_written_are_one_series(bench: Bench) -> None:
    bench.hook("SessionStart", "s")
    bench.named("s", "1", "a\0")
    bench.named("s", "2", "a\1")
    assert by(bench.read()["cco_agent_runs"], "agent") == {("a\N{REPLACEMENT CHARACTER}",): 2}


@given(st.integers(0, 2**32))
def test_counters_only_go_up_and_add_up_to_what_the_api_says(seed: int) -> None:
    chance, bench = random.Random(seed), Bench()
    before: dict[tuple[str, Labels], float] = {}
    most = ledger_module.MAX_SESSIONS
    ledger_module.MAX_SESSIONS = 4
    try:
        for _ in range(80):
            bench.now += chance.random() * 3
            session, agent_id = f"s{chance.randrange(9)}", str(chance.randrange(4))
            what = chance.choice(["call", "call", "own", "start", "stop", "tool", "compact", "end"])
            model, usd = chance.choice(["opus", "sonnet", "haiku"]), chance.randrange(10**9) / 10**9
            if what in ("call", "own"):
                bench.call(session, agent_id if what == "call" else "", model, usd)
            elif what == "start":
                bench.named(session, agent_id, f"agent-{agent_id}")
            elif what == "stop":
                kind = f"cco:agent-{agent_id}"
                bench.hook("SubagentStop", session, agent_id=agent_id, agent_type=kind)
            elif what == "tool":
                bench.hook("PostToolUse", session, agent_id=agent_id, tool_name="Bash")
            else:
                bench.hook("PostCompact" if what == "compact" else "SessionEnd", session)
            now = {
                (one.name, labels): value
                for one in bench.metrics._of_ledger(bench.ledger)
                if one.kind == "counter"
                for labels, value in one.series.items()
            }
            for key, value in now.items():
                assert value >= before.get(key, 0), key
            before |= now
        bench.now += NAMING_S
        bench.metrics = Metrics(clock=lambda: bench.now)  # one that has not been asked yet
        found, usage = bench.read(), usage_report(bench.ledger)
        nanos = {key: round(usd * 1e9) for key, usd in by(found["cco_cost_usd"], "agent").items()}
        assert nanos == {
            (row["agent"],): round(row["cost_usd"] * 1e9) for row in usage["agents"] if row["calls"]
        }
        nanos = {key: round(usd * 1e9) for key, usd in by(found["cco_cost_usd"], "model").items()}
        assert nanos == {(row["model"],): round(row["cost_usd"] * 1e9) for row in usage["models"]}
        kinds = by(found["cco_tokens"], "kind")
        for kind in ("input", "output", "cache_read", "cache_creation"):
            assert kinds.get((kind,), 0) == usage["total"][f"{kind}_tokens"]
        assert sum(found["cco_model_calls"].values()) == usage["total"]["calls"]
        tools = sum(row["tool_calls"] for row in usage["agents"])
        assert sum(found["cco_tool_calls"].values()) == tools
    finally:
        ledger_module.MAX_SESSIONS = most


def test_without_a_collector_there_is_nothing_about_forwarding(bench: Bench) -> None:
    class Plain:
        forwarder = None
        ledger = bench.ledger
        attribution = Attribution(bench.ledger)

    names = [one.name for one in bench.metrics.collect(cast(State, Plain()))]
    assert "cco_sessions" in names
    assert not [name for name in names if "forward" in name]
