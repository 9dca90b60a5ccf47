"""The daemon is killed under the real client, in the middle of its work: what a session loses."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cco.catalogue.markdown import load_markdown
from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from tests.e2e.conftest import MakeStage
from tests.e2e.test_interactive import terminal

BRIEFS = {agent.name: agent.brief for agent in load_markdown().agents}


def test_each_specialist_gets_its_brief_however_often_the_daemon_dies(one_stage: MakeStage) -> None:
    """In one `-p` session, where nobody but its hooks looks: the daemon is killed before each
    dispatch. Of what came before it was back, one command's edit warnings and figures are lost."""
    names = ("debugger", "test-engineer", "database-engineer")

    def script(request: ModelRequest) -> Sequence[Block]:
        if specialist_of(request) is not None:
            return [text("Done.")]
        turn = len(request.tool_results())
        if turn == 2 * len(names) or "NOTIFICATION" in request.last_user_text:
            return [text("All are looking.")]
        if turn % 2:
            name = names[turn // 2]
            task = {"subagent_type": f"cco:{name}", "description": "look", "prompt": "Look."}
            return [tool_use("Agent", task)]
        scene.sandbox.kill_daemon()
        return [tool_use("Bash", {"command": f"echo {turn}", "description": "Look"})]

    scene = one_stage(script)
    result = scene.run("-p", "It hangs.", "--allowedTools", "Bash(echo:*)")
    assert result.code == 0, result
    assert "ECONNREFUSED" not in result.err  # what came last was heard of
    for name in names:
        theirs = [one for one in scene.requests if specialist_of(one) == name]
        assert theirs, name
        assert all(BRIEFS[name] in one.conversation_text for one in theirs), name
    (session,) = scene.json("sessions")["sessions"]
    assert session["status"] == "ended"
    runs = {run["name"]: run for run in session["agents"]}
    assert runs[names[-1]]["status"] == "done"
    assert session["tool_calls"] <= 2 * len(names)


def test_a_prompt_brings_it_back_where_the_status_line_is_the_users_own(
    one_stage: MakeStage,
) -> None:
    scene = one_stage(lambda request: [text("This is the answer.")])
    scene.skip_first_run_dialogs()
    folder = scene.sandbox.home / ".claude"
    folder.mkdir()
    own = {"statusLine": {"type": "command", "command": "echo THE-USERS-OWN-LINE"}}
    (folder / "settings.json").write_text(json.dumps(own))
    with terminal(scene) as screen:
        screen.wait_for(lambda: "THE-USERS-OWN-LINE" in screen.screen)
        before = scene.sandbox.sealed().settings
        scene.sandbox.kill_daemon()
        screen.say("Hello there.")
        screen.wait_for(lambda: "Thisistheanswer." in screen.screen)
        after = scene.sandbox.sealed().settings
        assert (after.port, after.token) == (before.port, before.token)
        assert after.pid != before.pid
        (session,) = scene.json("sessions")["sessions"]
        assert session["prompts"] == 1
        assert screen.leave() == 0
    assert "ECONNREFUSED" not in screen.screen
