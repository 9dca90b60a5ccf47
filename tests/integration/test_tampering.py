"""A sealed file that was tampered with is refused: no text of it is served, and people are told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cco.sealing import names
from tests.conftest import Sandbox
from tests.fake_claude import FakeClaude

Tamper = Callable[[Path], None]


@pytest.fixture
def healthy(daemon: Sandbox) -> Iterator[Sandbox]:
    """The module's daemon, its files put back afterwards."""
    kept = {name: (daemon.temp / name).read_bytes() for name in names.MEMBERS}
    yield daemon
    for name, data in kept.items():
        path = daemon.temp / name
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_bytes(data)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def extend(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def grow(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate((16 << 20) + 1)


def swap(path: Path) -> None:
    other = names.RULES if path.name != names.RULES else names.AGENTS
    path.write_bytes((path.parent / other).read_bytes())


def link(path: Path) -> None:
    kept = path.with_name("kept")
    path.rename(kept)
    path.symlink_to(kept)


def second_name(path: Path) -> None:
    path.with_name("kept").hardlink_to(path)


TAMPERINGS = [flip, cut, empty, extend, grow, swap, link, second_name]
"""One that is gone is no tampering: tests/faults/test_cleaners.py."""
EVENTS = {
    names.RULES: ("SessionStart", {"source": "startup"}),
    names.AGENTS: ("SubagentStart", {"agent_id": "a", "agent_type": "cco:chief-architect"}),
    names.HOOKS: ("PreCompact", {"trigger": "auto"}),
}


def texts(daemon: Sandbox) -> list[str]:
    """Lines that only the sealed files hold."""
    sealed = daemon.sealed()
    whole = json.dumps([sealed.open_member(name) for name in names.MEMBERS])
    return [line for line in whole.split("\\n") if len(line) > 30]


@pytest.mark.parametrize("name", names.MEMBERS)
@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_nothing_of_a_tampered_file_is_served(healthy: Sandbox, name: str, tamper: Tamper) -> None:
    secret = texts(healthy)
    path = healthy.temp / name
    event, payload = EVENTS[name]
    assert "systemMessage" not in healthy.hook(event, **payload).json()
    before = len(healthy.log())
    try:
        tamper(path)
        answer = healthy.hook(event, **payload)
    finally:
        (healthy.temp / "kept").unlink(missing_ok=True)
    assert answer.status == 200
    document = answer.json()
    assert set(document) == {"systemMessage"}
    assert name in document["systemMessage"]
    assert "cco daemon restart" in document["systemMessage"]
    logged = healthy.log()[before:]
    assert re.search(rf"ERROR +{event}: refused a sealed file: \S*{re.escape(name)} ", logged)
    assert not [line for line in secret if line in answer.body.decode() + logged]


def test_after_a_compaction_one_bad_file_is_enough(healthy: Sandbox) -> None:
    flip(healthy.temp / names.HOOKS)
    document = healthy.hook("SessionStart", source="compact").json()
    assert set(document) == {"systemMessage"}
    assert names.HOOKS in document["systemMessage"]


def test_the_others_go_on(healthy: Sandbox) -> None:
    flip(healthy.temp / names.AGENTS)
    assert "hookSpecificOutput" in healthy.hook("SessionStart").json()
    assert "instructions" in healthy.hook("PreCompact").json()
    assert healthy.hook("Stop").status == 200


def test_a_file_of_mode_0644_is_refused(healthy: Sandbox) -> None:
    (healthy.temp / names.RULES).chmod(0o644)
    assert "open to others" in healthy.hook("SessionStart").json()["systemMessage"]


def test_the_doctor_names_the_file(healthy: Sandbox, fake_claude: FakeClaude) -> None:
    env = healthy.environment(CCO_CLAUDE=str(fake_claude.path))
    before = healthy.run("doctor", "--json", env=env)
    assert before.code == 0, before
    assert json.loads(before.out)["healthy"] is True
    flip(healthy.temp / names.RULES)
    cut(healthy.temp / names.HOOKS)
    after = healthy.run("doctor", "--json", env=env)
    assert after.code == 1
    document = json.loads(after.out)
    problems = {one["subject"]: one for one in document["findings"] if one["state"] == "problem"}
    assert set(problems) == {names.RULES, names.HOOKS}
    assert "changed" in problems[names.RULES]["detail"]
    assert "that were sealed" in problems[names.HOOKS]["detail"]
    assert all("cco daemon restart" in one["advice"] for one in problems.values())
    text = healthy.run("doctor", env=env)
    assert text.code == 1
    assert re.search(rf"^  PROBLEM +{re.escape(names.RULES)} ", text.out, re.MULTILINE)


def test_tampered_settings_are_the_doctors_business_too(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    env = source_sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    source_sandbox.ok("daemon", "start")
    flip(source_sandbox.temp / names.SETTINGS)
    result = source_sandbox.run("doctor", env=env)
    assert result.code == 1
    assert re.search(rf"^  PROBLEM +{re.escape(names.SETTINGS)} ", result.out, re.MULTILINE)


def test_a_file_of_an_earlier_run_is_refused_until_a_restart(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    old = {name: (sandbox.temp / name).read_bytes() for name in names.MEMBERS}
    sandbox.ok("daemon", "restart")
    for name, data in old.items():
        (sandbox.temp / name).write_bytes(data)
        event, payload = EVENTS[name]
        document = sandbox.hook(event, **payload).json()
        assert set(document) == {"systemMessage"}
        assert "earlier run" in document["systemMessage"]
    sandbox.ok("daemon", "restart")
    assert "hookSpecificOutput" in sandbox.hook("SessionStart").json()
