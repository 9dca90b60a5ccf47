"""The daemon's MCP tools in the real client: sessions that leave notes for one another."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from tests.conftest import wait_until
from tests.e2e.conftest import MakeStage, Stage
from tests.e2e.test_interactive import background_stage as background_stage  # noqa: PLC0414
from tests.e2e.test_interactive import terminal

FINDING = "The tenant is missing from the cache key."
LISTING_LIMIT_TOKENS = 60
DEFINITIONS_LIMIT_TOKENS = 520
CHARS_PER_TOKEN = 4


def play(scene: Stage, request: ModelRequest) -> Sequence[Block]:
    """Load the tools as the client wants it, then do what the prompt names."""

    def calls(name: str, **arguments: object) -> list[Block]:
        return [tool_use(scene.tool(name), arguments)]

    done = len(request.tool_results())
    if done == 0:
        wanted = ",".join(map(scene.tool, ("note", "notes", "status")))
        return [tool_use("ToolSearch", {"query": f"select:{wanted}"})]
    if done > 1:
        return [text("Done.")]
    said = request.conversation_text
    if "LEAVE" in said:
        return calls("note", text=FINDING, path="cache.py")
    if "LOOK" in said:
        return calls("notes", query="cached tenants")
    return calls("status")


def ask(scene: Stage, prompt: str, folder: Path) -> Any:
    """What the one tool gave back in a session in a folder."""
    before = len(scene.requests)
    result = scene.sandbox.run("-p", prompt, env=scene.environment(), cwd=folder)
    assert result.code == 0, result
    found = max(scene.requests[before:], key=lambda one: len(one.tool_results())).tool_results()
    assert len(found) == 2, found
    return json.loads(found[1])


def stored(scene: Stage) -> list[dict[str, Any]]:
    notes: list[dict[str, Any]] = scene.json("notes", "--all")["notes"]
    return notes


def test_a_note_of_one_session_is_found_by_another_of_its_project_only(stage: MakeStage) -> None:
    scene = stage(lambda request: play(scene, request))
    project = scene.sandbox.project
    (project / ".git").mkdir()
    deep, other = project / "src" / "deep", scene.sandbox.root / "other"
    deep.mkdir(parents=True)
    other.mkdir()
    ask(scene, "LEAVE what you found.", project)
    (note,) = stored(scene)
    session_id = note["session_id"]
    assert (note["text"], note["path"], note["project"]) == (FINDING, "cache.py", str(project))
    assert note["author"] == f"session {session_id[:8]}"
    assert session_id in [one["session_id"] for one in scene.json("sessions")["sessions"]]

    (seen,) = ask(scene, "LOOK it up.", deep)["notes"]
    assert (seen["text"], seen["author"]) == (FINDING, note["author"])
    assert ask(scene, "LOOK it up.", other) == {"notes": [], "left_out": 0}
    status = ask(scene, "How do things stand?", other)
    assert status["project"] == str(other)
    (own,) = status["sessions"]
    assert own["this_session"]
    assert own["cost_usd"] >= 0


def test_at_a_terminal_nobody_is_asked_anything(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: play(scene, request))
    scene.skip_first_run_dialogs()
    with terminal(scene) as screen:
        screen.wait_for(lambda: "cco·$" in screen.screen)
        screen.say("LEAVE what you found.")
        screen.wait_for(lambda: "Done." in screen.screen)
        assert screen.leave() == 0
    assert [note["text"] for note in stored(scene)] == [FINDING]


def test_in_the_background_too(background_stage: MakeStage) -> None:
    scene = background_stage(lambda request: play(scene, request))
    scene.skip_first_run_dialogs()
    assert scene.run("--bg", "LEAVE what you found.").code == 0
    wait_until(lambda: stored(scene), "the note of the background session")
    (note,) = stored(scene)
    assert (note["text"], note["project"]) == (FINDING, str(scene.sandbox.project))


def test_a_specialist_leaves_a_note_with_the_command(one_stage: MakeStage) -> None:
    """Its stub lists no MCP tool: most specialists have a shell."""

    def plays(request: ModelRequest) -> Sequence[Block]:
        if request.tool_results():
            return [text("Done.")]
        if specialist_of(request) is None:
            task = {"subagent_type": "cco:debugger", "description": "look", "prompt": "Look."}
            return [tool_use("Agent", task)]
        command = f"cco notes --add {shlex.quote(FINDING)}"
        return [tool_use("Bash", {"command": command, "description": "leave a note"})]

    scene = one_stage(plays)
    programs = scene.sandbox.root / "bin"
    programs.mkdir()
    program = programs / "cco"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(scene.sandbox.command)} "$@"\n')
    program.chmod(0o755)
    path = f"{programs}:{scene.environment()['PATH']}"
    environment = {**scene.environment(), "PATH": path}
    result = scene.sandbox.run("-p", "Find out.", env=environment)
    assert result.code == 0, result
    wait_until(lambda: stored(scene), "the specialist's note")
    (note,) = stored(scene)
    assert (note["text"], note["project"]) == (FINDING, str(scene.sandbox.project))
    assert note["author"].startswith("session ")


def test_what_the_tools_cost_in_every_request(one_stage: MakeStage) -> None:
    """The growth of a real request's body against the same session without them: their names."""
    scene = one_stage(lambda request: [text("Done.")])
    for _ in range(2):
        scene.ask("-p", "Hello.")
        manifest = scene.sandbox.temp / ".cco-claude-plugin" / ".claude-plugin" / "plugin.json"
        document = json.loads(manifest.read_text())
        document.pop("mcpServers", None)
        manifest.write_text(json.dumps(document))
    bodies = [json.dumps(request.body) for request in scene.requests]
    with_tools, without = bodies
    names = map(scene.tool, ("note", "notes", "who_edits", "status"))
    assert all(name in with_tools for name in names)
    assert "mcp__plugin_cco" not in without
    limit_tokens = LISTING_LIMIT_TOKENS
    if "ToolSearch" not in scene.requests[0].tool_names:  # it sends every definition with it
        limit_tokens = DEFINITIONS_LIMIT_TOKENS
    assert (len(with_tools) - len(without)) / CHARS_PER_TOKEN < limit_tokens
