"""A temp folder that is wiped under a running daemon: sessions lose nothing, nobody is cut off."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from cco.daemon import upkeep
from cco.sealing import names
from cco.sealing.private_files import remove
from tests.conftest import Result, Sandbox, has_ended, wait_until
from tests.fake_claude import FakeClaude
from tests.faults import forked
from tests.integration.test_daemon_lifecycle import EVERYTHING


def wipe(folder: Path) -> None:
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def wait_until_whole(sandbox: Sandbox) -> None:
    wait_until(lambda: sandbox.leftovers() == EVERYTHING, "all files")


def test_a_wiped_folder_is_as_it_was(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart", source="startup", cwd="/project")
    before = sandbox.sealed()
    members = {name: before.open_member(name) for name in names.MEMBERS}
    wipe(sandbox.temp)
    wait_until_whole(sandbox)
    after = sandbox.sealed()
    assert after.settings == before.settings
    assert {name: after.open_member(name) for name in names.MEMBERS} == members
    for path in sandbox.temp.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)

    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    assert sandbox.run("-p", "x", env=env).code == 0
    assert fake_claude.only_start().environ["CCO_TOKEN"] == before.settings.token
    assert sandbox.run("doctor", env=env).code == 0
    assert len(sandbox.daemon_processes()) == 1
    assert sandbox.request("GET", "/api/v1/sessions/s").status == 200

    os.kill(before.settings.pid, 9)  # what it wrote anew is as good after a crash
    wait_until(lambda: has_ended(before.settings.pid), "the daemon's end")
    sandbox.ok("daemon", "start")
    assert sandbox.sealed().settings.token == before.settings.token
    assert sandbox.request("GET", "/api/v1/sessions/s").status == 200
    sandbox.ok("daemon", "stop")
    assert list(sandbox.temp.iterdir()) == []


EVENTS = {
    names.RULES: ("SessionStart", {"source": "startup"}),
    names.AGENTS: ("SubagentStart", {"agent_id": "a", "agent_type": "cco:chief-architect"}),
    names.HOOKS: ("PreCompact", {"trigger": "auto"}),
}


@pytest.mark.parametrize("name", names.MEMBERS)
def test_what_a_session_asks_for_is_there_at_once(daemon: Sandbox, name: str) -> None:
    event, payload = EVENTS[name]
    expected = daemon.hook(event, **payload).json()
    (daemon.temp / name).unlink()
    assert daemon.hook(event, **payload).json() == expected
    assert (daemon.temp / name).exists()


def test_a_launch_waits_for_no_round_of_the_daemon(
    source_sandbox: Sandbox, fake_claude: FakeClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a cleaner has just taken is put back when a launch asks for it."""
    sandbox = source_sandbox
    monkeypatch.setattr(upkeep, "CHECK_S", 3_600.0)
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    with forked.serving(sandbox) as pid:
        for name in (names.BRIDGE, names.PLUGIN):
            remove(sandbox.temp / name)
            assert sandbox.run("-p", "x", env=env) == Result(0, "", "")
        assert sandbox.leftovers() == EVERYTHING
        assert len(fake_claude.starts()) == 2
        assert forked.end(pid) == 0


def test_a_wiped_folder_is_stopped_without_a_trace(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    pid = sandbox.sealed().settings.pid
    wipe(sandbox.temp)
    wait_until_whole(sandbox)
    assert sandbox.ok("daemon", "stop") == "the daemon is stopped\n"
    assert has_ended(pid)
    assert list(sandbox.temp.iterdir()) == []


def test_a_daemon_that_nobody_can_find_ends(source_sandbox: Sandbox) -> None:
    """Its whole temp folder is gone, as a private one is after a logout, and no session runs."""
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    pid = sandbox.sealed().settings.pid
    shutil.rmtree(sandbox.temp)
    wait_until(lambda: has_ended(pid), "the daemon's end")
    sandbox.temp.mkdir()


def test_a_second_daemon_of_a_wiped_folder_takes_over(source_sandbox: Sandbox) -> None:
    """Who starts one before the first has put its files back gets a daemon; the first gives way,
    and takes nothing of the second's along."""
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    first = sandbox.sealed().settings
    os.kill(first.pid, signal.SIGSTOP)
    wipe(sandbox.temp)
    try:
        sandbox.ok("daemon", "start")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    wait_until(lambda: has_ended(first.pid), "the first daemon's end")
    assert sandbox.leftovers() == EVERYTHING
    assert sandbox.sealed().settings.port != first.port
    sandbox.ok("daemon", "status")
    for name in names.MEMBERS:
        sandbox.sealed().open_member(name)
    sandbox.ok("daemon", "stop")
    assert list(sandbox.temp.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into Linux's /proc")
def test_a_daemon_whose_unpacked_copy_is_gone_serves_on(
    frozen_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    """`rm -rf ~/.cache` takes away the program that runs."""
    sandbox = frozen_sandbox
    cache = sandbox.root / "cache"
    cache.mkdir()
    env = sandbox.environment(XDG_CACHE_HOME=str(cache), CCO_CLAUDE=str(fake_claude.path))
    assert sandbox.run("daemon", "start", env=env).code == 0
    settings = sandbox.sealed().settings
    maps = Path(f"/proc/{settings.pid}/maps")
    wait_until(lambda: "psutil" in maps.read_text(), "all that is loaded later")
    shutil.rmtree(cache)
    edit: dict[str, Any] = {
        "tool_name": "Edit",
        "tool_input": {"file_path": "/x"},
        "tool_use_id": "u",
    }
    events = json.loads((sandbox.temp / names.BRIDGE).read_text())["hooks"]
    for event in events:
        answer = sandbox.hook(event, agent_id="a", agent_type="cco:debugger", **edit)
        assert answer.status == 200, event
        assert "systemMessage" not in answer.body.decode(), event
    for target in ("sessions", "agents?q=debug", "usage", "budget", "leases", "openapi.json"):
        assert sandbox.request("GET", f"/api/v1/{target}").status == 200, target
    assert sandbox.request("GET", "/metrics").status == 200
    assert sandbox.request("GET", "/").status == 500  # its files were in the copy, and it says so
    assert sandbox.run("-p", "x", env=env).code == 0  # unpacks another
    assert sandbox.sealed().settings == settings
    assert sandbox.run("daemon", "stop", env=env).code == 0
    assert list(sandbox.temp.iterdir()) == []
