"""A user's own specialists and tiers, from their files to what Claude Code is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cco.catalogue.lint import COUNT
from cco.sealing import names
from tests.conftest import Sandbox
from tests.fake_claude import FakeClaude

BRIEF = "Look at each crane twice, then at the tide. Hand the rest to `debugger`. " * 20
WORKER = f"""---
name: dock-worker
description: "Loads ships: cranes, crates"
model: haiku
tools: Read, Bash
color: green
---
{BRIEF}
"""


def own(sandbox: Sandbox) -> Path:
    """The folder of the user's settings and definitions."""
    folder = sandbox.home / ".config" / "cco"
    (folder / "agents").mkdir(parents=True, exist_ok=True)
    return folder


def read_json(sandbox: Sandbox, *arguments: str) -> Any:
    return json.loads(sandbox.ok(*arguments, "--json"))


def test_an_own_specialist_is_listed_found_sealed_and_stubbed(sandbox: Sandbox) -> None:
    folder = own(sandbox)
    (folder / "agents" / "dock-worker.md").write_text(WORKER)
    (folder / "config.toml").write_text(
        '[models]\nhaiku = "sonnet"\n[agents]\ndrop = ["game-developer"]\n'
    )
    listed = {one["name"]: one for one in read_json(sandbox, "agents", "list")}
    assert len(listed) == COUNT
    assert "game-developer" not in listed
    assert listed["dock-worker"] == {
        "name": "dock-worker",
        "description": "Loads ships: cranes, crates",
        "model": "sonnet",
        "tools": ["Read", "Bash"],
        "source": "user",
    }
    found = read_json(sandbox, "agents", "search", "which", "crane", "loads", "the", "crates")
    assert found[0]["name"] == "dock-worker"
    assert BRIEF.strip() in sandbox.ok("agents", "show", "dock-worker")

    sandbox.ok("daemon", "start")
    sealed = sandbox.sealed()
    agents = {one["name"]: one for one in sealed.open_member(names.AGENTS)["agents"]}
    assert set(agents) == set(listed)
    assert agents["dock-worker"]["brief"] == BRIEF.strip()
    stubs = {path.stem for path in (sandbox.temp / names.PLUGIN / "agents").iterdir()}
    assert stubs == set(listed)
    answer = sandbox.hook("SubagentStart", agent_id="a", agent_type="cco:dock-worker")
    assert answer.json()["hookSpecificOutput"]["additionalContext"] == BRIEF.strip()
    assert sandbox.hook("SubagentStart", agent_id="b", agent_type="cco:game-developer").body == b""


def test_a_bad_file_is_named_everywhere_and_stops_nothing(sandbox: Sandbox) -> None:
    folder = own(sandbox) / "agents"
    (folder / "dock-worker.md").write_text(WORKER.replace("Read, Bash", "Read, Crane"))
    (folder / "x\x1b[31m.md").write_text("---\nname: [\n---\n")
    why = f"{folder / 'dock-worker.md'}:5: Claude Code has no tool Crane"
    result = sandbox.run("daemon", "start")
    assert result.code == 0
    assert f"left out: {why}" in result.err
    assert "\x1b" not in result.err
    assert "\\x1b[31m.md:2: not YAML" in result.err
    assert len(sandbox.sealed().settings.roster) == COUNT
    lint = sandbox.run("agents", "lint")
    assert lint.code == 1
    assert why in lint.out
    assert "\x1b" not in lint.out
    problems = json.loads(sandbox.run("agents", "lint", "--json").out)["problems"]
    assert len(problems) == 2
    assert f"left out: {why}" in sandbox.run("agents", "list").err
    assert why in sandbox.ok("daemon", "logs")
    doctor = json.loads(sandbox.run("doctor", "--json").out)
    (finding,) = [one for one in doctor["findings"] if one["subject"] == "specialists"]
    assert finding["state"] == "note"
    assert why in finding["advice"]


def test_a_change_is_taken_up_by_a_restart_and_a_launch_says_so(
    sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    assert sandbox.run("-p", "x", env=env).err == ""
    (own(sandbox) / "agents" / "dock-worker.md").write_text(WORKER)
    result = sandbox.run("-p", "x", env=env)
    assert result.code == 0
    assert "cco daemon restart takes them up" in result.err
    before = sandbox.sealed().settings
    sandbox.ok("daemon", "restart")
    after = sandbox.sealed().settings
    assert (after.port, after.token) == (before.port, before.token)
    assert len(after.roster) == COUNT + 1
    assert sandbox.run("-p", "x", env=env).err == ""


def test_hints_can_be_switched_off(sandbox: Sandbox) -> None:
    prompt = "the borrow checker rejects my lifetimes, error[E0502]"
    sandbox.ok("daemon", "start")
    assert b"cco:rust-engineer" in sandbox.hook("UserPromptSubmit", prompt=prompt).body
    (own(sandbox) / "config.toml").write_text("hints = false\n")
    sandbox.ok("daemon", "restart")
    assert sandbox.hook("UserPromptSubmit", prompt=prompt).body == b""


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ("models = 5", "models must be a table"),
        ('[models]\nsmall = "sonnet"', "models.small is none of opus, sonnet, haiku, inherit"),
        ('[models]\nhaiku = "a b"', "models.haiku must name a model"),
        ("[models]\nhaiku = 5", "models.haiku must name a model"),
        ("[agents]\nkeep = []", "agents takes drop"),
        ('[agents]\ndrop = "debugger"', "agents.drop must be a list"),
        ("hints = 1", "hints must be true or false"),
    ],
)
def test_settings_that_make_no_sense(source_sandbox: Sandbox, settings: str, why: str) -> None:
    path = own(source_sandbox) / "config.toml"
    path.write_text(settings)
    result = source_sandbox.run("agents", "list")
    assert result.code == 10
    assert f"{path}: {why}" in result.err


def test_search_says_when_nobody_fits(sandbox: Sandbox) -> None:
    nobody = sandbox.run("agents", "search", "qwertyuiop", "zzz")
    assert (nobody.code, nobody.out) == (1, "")
    assert "no specialist knows any of these words" in nobody.err
    weak = sandbox.run("agents", "search", "rename")
    assert weak.code == 0
    assert "none of these fits so clearly" in weak.err
    clear = sandbox.run("agents", "search", "the borrow checker says E0502", "--limit", "1")
    assert (clear.code, clear.err) == (0, "")
    assert clear.out.splitlines()[1].startswith("rust-engineer")
    assert sandbox.run("agents", "search").code == 2
    assert sandbox.run("agents", "search", "x", "--limit", "0").code == 2
