"""What holds with every client that cco starts, however old: `make test-clients` tries them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cco.catalogue.markdown import load_markdown
from cco.claude import versions
from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from cco.ledger.totals import MAIN
from tests.e2e.conftest import MakeStage, Stage
from tests.e2e.test_interactive import terminal

CATALOGUE = load_markdown()
FAILURE = "sh -c 'echo 3 tests failed; exit 1'"


def script(request: ModelRequest) -> Sequence[Block]:
    """Run a command that fails, then ask one specialist."""
    if request.is_compaction:
        return [text("<summary>Nothing much.</summary>")]
    if specialist_of(request) is not None:
        return [text("It is line 40.")]
    if "And now?" in request.conversation_text:
        return [text("As before.")]
    results = len(request.tool_results())
    if results == 0:
        return [tool_use("Bash", {"command": FAILURE, "description": "Test"})]
    if results == 1:
        name = "Agent" if "Agent" in request.tool_names else "Task"
        task = {"subagent_type": "cco:debugger", "description": "look", "prompt": "Look."}
        return [tool_use(name, task)]
    return [text("Done.")]


def check_figures(scene: Stage, session_id: str) -> None:
    """Every call is told, and whose it was."""
    theirs = [one for one in scene.requests if specialist_of(one) == "debugger"]
    rows = {row["agent"]: row for row in scene.json("usage", "--session", session_id)["agents"]}
    assert set(rows) == {MAIN, "debugger"}
    assert rows["debugger"]["calls"] == len(theirs) > 0
    assert rows[MAIN]["calls"] == len(scene.requests) - len(theirs)
    assert rows["debugger"]["cost_usd"] > 0
    usages = [scene.model.usages[one.number - 1] for one in theirs]
    assert rows["debugger"]["output_tokens"] == sum(one.output_tokens for one in usages)


def test_rules_briefs_compactions_and_figures(one_stage: MakeStage) -> None:
    scene = one_stage(script)
    session_id = str(scene.ask("-p", "Hello.", "--allowedTools", "Bash(sh:*)")["session_id"])
    first, *_ = scene.requests
    assert CATALOGUE.nudge in first.system_text
    assert first.conversation_text.count(CATALOGUE.rules) == 1
    asked, *_ = [one for one in scene.requests if specialist_of(one) == "debugger"]
    assert CATALOGUE.agent("debugger").brief in asked.conversation_text
    assert CATALOGUE.rules not in asked.conversation_text
    check_figures(scene, session_id)

    assert scene.run("-p", "/compact", "--resume", session_id).code == 0
    scene.ask("-p", "And now?", "--resume", session_id)
    (summary,) = [one for one in scene.requests if one.is_compaction]
    assert CATALOGUE.pre_compact.partition("$state")[0].splitlines()[0] in summary.last_user_text
    after = scene.requests[-1].conversation_text
    assert CATALOGUE.post_compact.splitlines()[0] in after
    assert "3 tests failed" in after
    assert after.count(CATALOGUE.rules) == 1
    (session,) = scene.json("sessions")["sessions"]
    assert (session["status"], session["compactions"]) == ("ended", 1)
    runs = [(run["name"], run["status"]) for run in session["agents"]]
    assert runs == [("debugger", "done")]
    client = versions.installed_version(Path(scene.claude))
    assert client is not None
    assert session["client_version"] == versions.spelled(client)
    assert list(scene.sandbox.temp.glob(".cco-claude-settings-*")) == []


def test_what_is_missing_is_told(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("This is the answer.")])
    scene.skip_first_run_dialogs()
    client = versions.installed_version(Path(scene.claude))
    assert client is not None
    with terminal(scene) as screen:
        screen.wait_for(lambda: "cco·$" in screen.screen)
        screen.say("Hello there.")
        screen.wait_for(lambda: "Thisistheanswer." in screen.screen)
        assert screen.leave() == 0
    (session,) = scene.json("sessions")["sessions"]
    line = scene.sandbox.hook("StatusLine", session["session_id"]).body.decode()
    assert (f"Claude Code {versions.spelled(client)} is old" in line) == versions.is_old(client)
    shown = scene.sandbox.ok("sessions", session["session_id"])
    missing = versions.shortcomings(client)
    assert (f"Claude Code {versions.spelled(client)}:" in shown) == bool(missing)
    assert all(one in shown for one in missing)
