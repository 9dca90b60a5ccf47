"""All specialists in the real client: what listing them costs, and that each can be dispatched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice

from cco.catalogue.lint import LISTING_LIMIT_TOKENS, listing_tokens
from cco.catalogue.markdown import load_markdown
from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from tests.e2e.conftest import MakeStage

CATALOGUE = load_markdown()
AT_A_TIME = 10
TIERS = {"opus": "the-large-one", "sonnet": "the-middle-one", "haiku": "the-small-one"}
CHARS_PER_TOKEN = 4


class Everyone:
    """A session that dispatches every specialist, several at a time."""

    def __init__(self) -> None:
        self._waiting = iter([agent.name for agent in CATALOGUE.agents])

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        name = specialist_of(request)
        if name is not None:
            return [text(f"{name} has nothing to add.")]
        return [
            tool_use(
                "Agent",
                {"subagent_type": f"cco:{one}", "description": f"ask {one}", "prompt": "Look."},
            )
            for one in islice(self._waiting, AT_A_TIME)
        ] or [text("All were asked.")]


def test_every_specialist_has_its_own_brief_its_model_and_just_its_tools(
    one_stage: MakeStage,
) -> None:
    scene = one_stage(Everyone())
    models = {f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL": name for tier, name in TIERS.items()}
    at_once = {"CLAUDE_CODE_MAX_CONCURRENT_SUBAGENTS": str(len(CATALOGUE.agents))}
    told = scene.ask("-p", "Ask everybody.", "--model", "sonnet", **models, **at_once)

    first: dict[str, ModelRequest] = {}
    for request in scene.requests:
        name = specialist_of(request)
        if name is not None:
            first.setdefault(name, request)
    assert set(first) == {agent.name for agent in CATALOGUE.agents}
    for agent in CATALOGUE.agents:
        request = first[agent.name]
        said = request.conversation_text
        held = [one.name for one in CATALOGUE.agents if one.brief in said]
        assert held == [agent.name]
        assert CATALOGUE.rules not in said
        assert request.model == TIERS.get(agent.model, TIERS["sonnet"]), agent.name
        assert sorted(request.tool_names) == sorted(agent.tools), agent.name

    usage = scene.json("usage", "--session", str(told["session_id"]))
    calls = {row["agent"]: row["calls"] for row in usage["agents"]}
    assert {agent.name for agent in CATALOGUE.agents} <= set(calls)
    (session,) = scene.json("sessions")["sessions"]
    assert len(session["agents"]) == len(CATALOGUE.agents)
    assert {run["status"] for run in session["agents"]} == {"done"}


def test_the_listing_costs_what_the_lint_says_it_does(one_stage: MakeStage) -> None:
    """The growth of a real request's body against the same session without any specialist."""
    scene = one_stage(lambda request: [text("Done.")])
    scene.ask("-p", "Hello.")
    config = scene.sandbox.home / ".config" / "cco" / "config.toml"
    config.parent.mkdir(parents=True)
    names = json.dumps([agent.name for agent in CATALOGUE.agents])
    config.write_text(f"[agents]\ndrop = {names}\n")
    scene.sandbox.ok("daemon", "restart")
    scene.ask("-p", "Hello.")
    with_all, without = (len(json.dumps(request.body)) for request in scene.requests)
    growth_tokens = (with_all - without) / CHARS_PER_TOKEN
    assert growth_tokens <= LISTING_LIMIT_TOKENS
    assert abs(growth_tokens - listing_tokens(CATALOGUE.agents)) < 100


def test_a_users_own_specialist_works_on_the_tier_they_chose(one_stage: MakeStage) -> None:
    def script(request: ModelRequest) -> Sequence[Block]:
        if specialist_of(request) is not None or request.tool_results():
            return [text("Done.")]
        task = {"subagent_type": "cco:dock-worker", "description": "lift", "prompt": "Lift."}
        return [tool_use("Agent", task)]

    scene = one_stage(script)
    folder = scene.sandbox.home / ".config" / "cco"
    (folder / "agents").mkdir(parents=True)
    (folder / "config.toml").write_text('[models]\nhaiku = "sonnet"\n')
    (folder / "agents" / "dock-worker.md").write_text(
        "---\nname: dock-worker\ndescription: Loads ships\nmodel: haiku\ntools: Read\n---\n"
        "Check each crane twice before it lifts.\n"
    )
    (folder / "agents" / "broken.md").write_text("no front matter")
    models = {f"ANTHROPIC_DEFAULT_{tier.upper()}_MODEL": name for tier, name in TIERS.items()}
    result = scene.run("-p", "Load it.", **models)
    assert result.code == 0
    assert f"left out: {folder / 'agents' / 'broken.md'}:1: no front matter" in result.err
    (theirs,) = [one for one in scene.requests if specialist_of(one) == "dock-worker"]
    assert "Check each crane twice" in theirs.conversation_text
    assert theirs.model == TIERS["sonnet"]
    assert theirs.tool_names == ["Read"]
