"""A whole session: rules, specialists, compaction, figures."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import psutil

from cco.catalogue.markdown import load_markdown
from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from tests.e2e.conftest import MakeStage, Stage

CATALOGUE = load_markdown()
KINDS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_tokens": "cache_read_input_tokens",
    "cache_creation_tokens": "cache_creation_input_tokens",
}


def secret_lines() -> list[bytes]:
    """Every line that must not be seen before Claude Code asks for it."""
    texts = [agent.brief for agent in CATALOGUE.agents]
    texts += [CATALOGUE.rules, CATALOGUE.pre_compact, CATALOGUE.post_compact]
    return [line.encode() for one in texts for line in one.splitlines() if len(line) > 40]


class Debugging:
    """A session that runs a command, asks two specialists, and goes on after a compaction."""

    agents = ("debugger", "database-engineer")

    def __init__(self) -> None:
        self.seen_before_dispatch: list[str] = []
        self.temp: Path | None = None

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        if request.is_compaction:
            return [text("<summary>A summary without any detail.</summary>")]
        if specialist_of(request) is not None:
            if request.tool_results():
                return [text("The cause is found.")]
            return [tool_use("Bash", {"command": "echo looked", "description": "Look"})]
        if "carry on" in request.last_user_text:
            return [text("Going on.")]
        if not request.tool_results():
            self._look_for_plain_text()
            return [
                tool_use(
                    "Agent",
                    {
                        "subagent_type": f"cco:{name}",
                        "description": f"look as {name}",
                        "prompt": "Find out why it hangs.",
                    },
                )
                for name in self.agents
            ]
        return [text("Both are looking.")]

    def _look_for_plain_text(self) -> None:
        """The rules were asked for at the start; nothing else may be readable anywhere yet."""
        lines = secret_lines()
        for process in psutil.process_iter():
            try:
                argv = "\0".join(process.cmdline()).encode()
            except psutil.Error:
                continue
            if any(line in argv for line in lines):
                self.seen_before_dispatch.append(f"argv of {process.pid}")
        assert self.temp is not None
        for path in self.temp.rglob("*"):
            if path.is_file() and any(line in path.read_bytes() for line in lines):
                self.seen_before_dispatch.append(str(path))


def run_whole_session(stage: Stage) -> dict[str, object]:
    first = stage.ask("-p", "The service hangs.", "--allowedTools", "Bash(echo:*)")
    session_id = str(first["session_id"])
    stage.run("-p", "/compact", "--resume", session_id)
    stage.ask("-p", "carry on", "--resume", session_id)
    return first


def test_whole_session(stage: MakeStage) -> None:
    script = Debugging()
    scene = stage(script)
    script.temp = scene.sandbox.temp
    first = run_whole_session(scene)

    # the rules and the nudge
    start = scene.requests[0]
    assert CATALOGUE.rules in start.conversation_text
    assert CATALOGUE.nudge in start.system_text
    assert script.seen_before_dispatch == []

    # the briefs, each to its own agent and to no other
    for name in script.agents:
        theirs = [one for one in scene.requests if specialist_of(one) == name]
        assert len(theirs) == 2
        for agent in CATALOGUE.agents:
            assert (agent.brief in theirs[0].conversation_text) == (agent.name == name)
    mine = [one for one in scene.requests if specialist_of(one) is None]
    for agent in CATALOGUE.agents:
        assert not any(agent.brief in one.conversation_text for one in mine)

    # the compaction
    (summary,) = [one for one in scene.requests if one.is_compaction]
    for line in CATALOGUE.pre_compact.splitlines()[:3]:
        assert line in summary.last_user_text
    after = scene.requests[-1].conversation_text
    assert after.count(CATALOGUE.rules) == 1
    assert CATALOGUE.post_compact.splitlines()[0] in after
    for name in script.agents:
        assert f"{name} (done, 1 tool calls): “look as {name}”" in after
    assert "The service hangs." in after

    check_figures(scene, first, script.agents)


def check_figures(scene: Stage, first: dict[str, object], agents: Sequence[str]) -> None:
    """Every token handed out is counted, to the right agent; costs are the client's own."""
    session_id = str(first["session_id"])
    report = scene.json("usage", "--session", session_id)
    for ours, theirs in KINDS.items():
        assert report["total"][ours] == sum(getattr(one, theirs) for one in scene.model.usages)
    by_agent = {row["agent"]: row for row in report["agents"]}
    for name in agents:
        numbers = [one.number for one in scene.requests if specialist_of(one) == name]
        assert by_agent[name]["calls"] == len(numbers) == 2
        assert by_agent[name]["input_tokens"] == sum(100 + number for number in numbers)
        assert by_agent[name]["tool_calls"] == 1
        assert by_agent[name]["cost_usd"] > 0
    total = sum(Decimal(str(row["cost_usd"])) for row in report["agents"])
    assert total == Decimal(str(report["total"]["cost_usd"]))
    (session,) = scene.json("sessions")["sessions"]
    assert session["session_id"] == session_id
    assert session["compactions"] == 1
    assert session["status"] == "ended"
    assert {run["status"] for run in session["agents"]} == {"done"}


def test_cost_is_what_the_client_says(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    told = scene.ask("-p", "What is this?")
    report = scene.json("usage", "--session", str(told["session_id"]))
    counted = Decimal(str(report["total"]["cost_usd"]))
    assert abs(counted - Decimal(str(told["total_cost_usd"]))) < Decimal("1e-9")


def test_tampered_briefs_are_refused_in_a_running_session(one_stage: MakeStage) -> None:
    def script(request: ModelRequest) -> Sequence[Block]:
        if specialist_of(request) is not None or request.tool_results():
            return [text("Done.")]
        agents = scene.sandbox.temp / ".cco-agents-sealed"
        sealed = bytearray(agents.read_bytes())
        sealed[len(sealed) // 2] ^= 1
        agents.write_bytes(sealed)
        task = {"subagent_type": "cco:debugger", "description": "look", "prompt": "Look."}
        return [tool_use("Agent", task)]

    scene = one_stage(script)
    scene.ask("-p", "The service hangs.")
    (theirs, *_) = [one for one in scene.requests if specialist_of(one) == "debugger"]
    assert not any(line.decode() in theirs.conversation_text for line in secret_lines())
    doctor = scene.sandbox.run("doctor", env=scene.environment())
    assert doctor.code == 1
    assert ".cco-agents-sealed was changed after it was sealed" in doctor.out


def test_a_session_goes_on_after_its_daemon_was_killed(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    session_id = str(scene.ask("-p", "Hello.")["session_id"])
    before = scene.json("daemon", "status")
    psutil.Process(before["pid"]).kill()
    scene.ask("-p", "Again.", "--resume", session_id)
    after = scene.json("daemon", "status")
    assert after["pid"] != before["pid"]
    assert after["port"] == before["port"]
    assert CATALOGUE.rules in scene.requests[-1].conversation_text


def test_the_chief_architect_delegates_and_each_gets_its_own_brief(one_stage: MakeStage) -> None:
    """A specialist that may start others does; the ledger counts each for itself."""

    def script(request: ModelRequest) -> Sequence[Block]:
        who = specialist_of(request)
        if who == "debugger" or request.tool_results():
            return [text("Done.")]
        name = "debugger" if who == "chief-architect" else "chief-architect"
        task = {"subagent_type": f"cco:{name}", "description": "go", "prompt": "Go."}
        return [tool_use("Agent", task)]

    scene = one_stage(script)
    told = scene.ask("-p", "The service hangs.")
    for name, calls in (("chief-architect", 2), ("debugger", 1)):
        theirs = [one for one in scene.requests if specialist_of(one) == name]
        assert len(theirs) == calls
        assert CATALOGUE.agent(name).brief in theirs[0].conversation_text
    report = scene.json("usage", "--session", str(told["session_id"]))
    counted = {row["agent"]: row["calls"] for row in report["agents"]}
    assert (counted["chief-architect"], counted["debugger"]) == (2, 1)
