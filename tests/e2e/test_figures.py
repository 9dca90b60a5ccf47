"""Twelve agents over three models, known usage: every figure is the sum by hand, everywhere."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from cco.catalogue.markdown import load_markdown
from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from cco.ledger.totals import MAIN
from tests.collector import Collector, Received
from tests.conftest import Sandbox, make_sandbox, wait_until
from tests.e2e.conftest import MakeStage, Stage

AGENTS = {agent.name: agent for agent in load_markdown().agents}
TWELVE = (
    *("debugger", "auth-engineer", "graphics-engineer", "payments-engineer"),
    *("rust-engineer", "go-engineer", "python-engineer", "css-engineer", "docker-engineer"),
    *("ci-engineer", "codebase-explorer", "chief-architect"),
)
KINDS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_creation_tokens": "cache_creation_input_tokens",
}
NANO = Decimal("1e-9")


class Twelve:
    """A session that asks twelve specialists, four at a time; each runs a command or two."""

    def __init__(self) -> None:
        self._waiting = iter(TWELVE)

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        name = specialist_of(request)
        if name is None:
            tasks = [
                {"subagent_type": f"cco:{one}", "description": f"ask {one}", "prompt": "Look."}
                for one in islice(self._waiting, 4)
            ]
            return [tool_use("Agent", task) for task in tasks] or [text("All asked.")]
        done = len(request.tool_results())
        if "Bash" in AGENTS[name].tools and done < 1 + len(name) % 2:
            return [tool_use("Bash", {"command": f"echo {done}", "description": "Look"})]
        return [text(f"{name} is done.")]


def calls_in(received: list[Received]) -> list[dict[str, Any]]:
    """The attributes of every model call that the client told the collector of."""
    found = []
    for one in received:
        if one.path != "/v1/logs":
            continue
        for resource in json.loads(one.body)["resourceLogs"]:
            for scope in resource["scopeLogs"]:
                for record in scope["logRecords"]:
                    attributes = {
                        pair["key"]: next(iter(pair["value"].values()))
                        for pair in record["attributes"]
                    }
                    if attributes.get("event.name") == "api_request":
                        found.append(attributes)
    return found


def cost_of(calls: list[dict[str, Any]]) -> Decimal:
    """What calls cost, to the nano-dollar each, added by hand."""
    return sum((Decimal(str(one["cost_usd"])).quantize(NANO) for one in calls), Decimal(0))


def check(place: Sandbox, scene: Stage, calls: list[dict[str, Any]], session_id: str) -> None:
    """Every figure that a daemon tells of the session, against the sums by hand."""
    usages = {one.number: scene.model.usages[one.number - 1] for one in scene.requests}
    report = json.loads(place.ok("usage", "--json"))
    for ours, theirs in KINDS.items():
        by_hand = sum(getattr(usage, theirs) for usage in usages.values())
        assert report["total"][ours] == by_hand
        for part in ("agents", "models", "projects", "hours", "sessions"):
            assert sum(row[ours] for row in report[part]) == by_hand, (part, ours)
    assert Decimal(str(report["total"]["cost_usd"])) == cost_of(calls)
    for part in ("agents", "models", "projects", "hours", "sessions"):
        added = sum(Decimal(str(row["cost_usd"])) for row in report[part])
        assert added == cost_of(calls), part

    by_agent = {row["agent"]: row for row in report["agents"]}
    assert set(by_agent) == {MAIN, *TWELVE}
    for name in (MAIN, *TWELVE):
        who = None if name == MAIN else name
        numbers = [one.number for one in scene.requests if specialist_of(one) == who]
        assert by_agent[name]["calls"] == len(numbers)
        for ours, theirs in KINDS.items():
            by_hand = sum(getattr(usages[number], theirs) for number in numbers)
            assert by_agent[name][ours] == by_hand, (name, ours)

    by_model = Counter(str(one["model"]) for one in calls)
    assert {row["model"]: row["calls"] for row in report["models"]} == by_model
    assert len(by_model) == 3
    assert (
        json.loads(place.ok("usage", "--session", session_id, "--json"))["total"]
        == (report["total"])
    )
    session = json.loads(place.ok("sessions", session_id, "--json"))
    assert session["usage"] == report["total"]
    assert {run["name"] for run in session["agents"]} == set(TWELVE)
    assert {run["status"] for run in session["agents"]} == {"done"}
    shown = place.ok("usage")
    for name in TWELVE:
        assert name in shown
    assert f"total ${cost_of(calls):.4f}" in shown


def test_every_figure_is_the_sum_by_hand(one_stage: MakeStage, tmp_path: Path) -> None:
    scene = one_stage(Twelve())
    with Collector() as collector:
        config = scene.sandbox.home / ".config" / "cco" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'[forward]\nurl = "{collector.url}"\n')
        told = scene.ask("-p", "Ask the twelve.", "--allowedTools", "Bash(echo:*)")
        wait_until(
            lambda: len(calls_in(collector.received)) == len(scene.requests),
            "all calls at the collector",
        )
    calls = calls_in(collector.received)
    session_id = str(told["session_id"])
    check(scene.sandbox, scene, calls, session_id)
    assert abs(Decimal(str(told["total_cost_usd"])) - cost_of(calls)) < Decimal("1e-8")
    other = make_sandbox("source", tmp_path / "other")
    replayed_in_disorder(other, scene, collector.received, session_id)
    check(other, scene, calls, session_id)
    other.close()


def replayed_in_disorder(
    place: Sandbox, scene: Stage, received: list[Received], session_id: str
) -> None:
    """Give another daemon the same records: each twice, in any order, one cut off."""
    place.ok("daemon", "start")
    session = scene.json("sessions", session_id)
    projects = scene.sandbox.home / ".claude" / "projects"
    (transcript,) = projects.rglob(f"{session_id}.jsonl")
    requests: list[tuple[str, Any]] = [(one.path, one.body) for one in received] * 2
    for run in session["agents"]:
        agent = {"agent_id": run["agent_id"], "agent_type": f"cco:{run['name']}"}
        agent["transcript_path"] = str(transcript)
        requests += [(f"/hooks/{event}", agent) for event in ("SubagentStart", "SubagentStop")]
    random.Random(7).shuffle(requests)
    for path, body in requests:
        if path.startswith("/hooks/"):
            answer = place.hook(path.rpartition("/")[2], session_id, **body)
        else:
            headers = {"Content-Type": "application/json"}
            assert place.request("POST", path, body[: len(body) // 2], headers).status == 400
            answer = place.request("POST", path, body, headers)
        assert answer.status == 200
    own = session["own_usage"]
    wait_until(  # older clients' agents are told by their transcripts, which are looked at again
        lambda: json.loads(place.ok("sessions", session_id, "--json"))["own_usage"] == own,
        "every call with whom it belongs to",
    )
