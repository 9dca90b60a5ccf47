"""Two who edit one file: what reaches the model, and what becomes of the file."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from tests.conftest import TIMEOUT_S, finish, wait_until
from tests.e2e.conftest import MakeStage, Stage

FIRST, SECOND = "You are the first.", "You are the second."
ACCEPT = ("--permission-mode", "acceptEdits")
LINES = "first = 1\nsecond = 2\n"


class Play:
    """Plays both models. What one waits for, the other's requests show to have happened."""

    def __init__(self) -> None:
        self.path = Path()
        self.happened: dict[str, threading.Event] = {}
        self.last: dict[str, ModelRequest] = {}

    def on(self, path: Path) -> None:
        self.path = path
        path.write_text(LINES)

    def now(self, what: str) -> None:
        self.happened.setdefault(what, threading.Event()).set()

    def wait(self, what: str) -> None:
        assert self.happened.setdefault(what, threading.Event()).wait(TIMEOUT_S), what

    def read(self) -> Block:
        return tool_use("Read", {"file_path": str(self.path)})

    def edit(self, word: str) -> Block:
        """Each edits a line of its own: the client itself has nothing against that."""
        change = {"old_string": word, "new_string": word.upper()}
        return tool_use("Edit", {"file_path": str(self.path), **change})

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        who = "first" if FIRST in request.conversation_text else "second"
        self.last[who] = request
        return self.play(who, len(request.tool_results()))

    def play(self, who: str, results: int) -> Sequence[Block]:
        """Both read; the first edits, then the second."""
        if results == 0:
            return [self.read()]
        if results == 1:
            self.now(f"{who} has read")
            self.wait("second has read" if who == "first" else "first has edited")
            return [self.edit(who)]
        self.now(f"{who} has edited")
        return [text("Done.")]


class Persistent(Play):
    """The second is stopped, tries again in vain, reads again, and has its way."""

    def play(self, who: str, results: int) -> Sequence[Block]:
        if who == "first" or results < 2:
            return super().play(who, results)
        if results == 2:
            return [self.edit(who)]
        return [self.read()] if results == 3 else [self.edit(who)] if results == 4 else [text("ok")]


class Meeting(Play):
    """The second wants to edit while the first is held up in the midst of an edit."""

    def play(self, who: str, results: int) -> Sequence[Block]:
        if who == "first" or results == 0:
            return super().play(who, results)
        if results == 1:
            self.now("second has read")
            self.wait("first is editing")
            return [self.edit(who)]
        if results == 2:
            self.now("second was refused")
            self.wait("first has edited")
            return [self.read()]
        return [self.edit(who)] if results == 3 else [text("Done.")]


def start(scene: Stage, prompt: str, *arguments: str, conflicts: str) -> subprocess.Popen[bytes]:
    env = scene.environment(CCO_CONFLICTS=conflicts)
    command = ("-p", prompt, "--output-format", "json", *arguments)
    return scene.sandbox.start(*command, env=env)


def both(
    scene: Stage,
    conflicts: str,
    first: Sequence[str] = ACCEPT,
    second: Sequence[str] = ACCEPT,
) -> tuple[str, str]:
    """Run two sessions at the same time to their ends; returns their ids."""
    scene.sandbox.ok("daemon", "start", env=scene.environment(CCO_CONFLICTS=conflicts))
    running = [
        start(scene, FIRST, *first, conflicts=conflicts),
        start(scene, SECOND, *second, conflicts=conflicts),
    ]
    ends = finish(*running)
    assert [end.code for end in ends] == [0, 0], ends
    first_id, second_id = (str(json.loads(end.out)["session_id"]) for end in ends)
    return first_id, second_id


def conflicts_of(scene: Stage) -> Mapping[str, int]:
    rows = scene.json("sessions")["sessions"]
    return {str(row["session_id"]): int(row["conflicts"]) for row in rows}


def leases(scene: Stage) -> object:
    return scene.sandbox.request("GET", "/api/v1/leases").json()["leases"]


def test_the_second_of_two_clients_is_warned(stage: MakeStage) -> None:
    play = Play()
    scene = stage(play)
    play.on(scene.sandbox.project / "settings.py")
    first, second = both(scene, "warn")
    seen = play.last["second"].conversation_text
    told = f"cco: conflict on {os.path.realpath(play.path)}: another session ({first[:8]}) changed"
    assert seen.count(told) == 1
    assert "has been updated successfully" in play.last["second"].tool_results()[1]
    assert "cco: conflict" not in play.last["first"].conversation_text
    assert play.path.read_text() == "FIRST = 1\nSECOND = 2\n"
    assert conflicts_of(scene) == {first: 0, second: 1}
    assert leases(scene) == []


def test_a_warning_permits_nothing(one_stage: MakeStage) -> None:
    play = Play()
    scene = one_stage(play)
    play.on(scene.sandbox.project / "settings.py")
    both(scene, "warn", second=())
    assert "cco: conflict on" in play.last["second"].conversation_text
    assert "haven't granted it" in play.last["second"].tool_results()[1]
    assert play.path.read_text() == "FIRST = 1\nsecond = 2\n"


def test_deny_holds_the_second_back_until_it_has_read_again(stage: MakeStage) -> None:
    play = Persistent()
    scene = stage(play)
    play.on(scene.sandbox.project / "settings.py")
    first, second = both(scene, "deny")
    results = play.last["second"].tool_results()
    for refused in results[1:3]:
        assert "cco: this edit was not made" in refused
        assert f"another session ({first[:8]}) changed it (Edit, " in refused
        assert "Read it again" in refused
    assert "FIRST = 1" in results[3]
    assert "has been updated successfully" in results[4]
    assert play.path.read_text() == "FIRST = 1\nSECOND = 2\n"
    assert conflicts_of(scene) == {first: 0, second: 2}


def test_off_says_nothing(one_stage: MakeStage) -> None:
    play = Play()
    scene = one_stage(play)
    play.on(scene.sandbox.project / "settings.py")
    first, second = both(scene, "off")
    assert not any("cco: conflict" in one.conversation_text for one in scene.requests)
    assert conflicts_of(scene) == {first: 0, second: 0}


def test_nobody_begins_while_another_edits(one_stage: MakeStage) -> None:
    """A hook of the user's own holds the first client up between the lease and the edit."""
    play = Meeting()
    scene = one_stage(play)
    play.on(scene.sandbox.project / "settings.py")
    gate = scene.sandbox.root / "gate"
    os.mkfifo(gate)
    hook = {"type": "command", "command": f"read -r line < '{gate}'", "timeout": TIMEOUT_S}
    settings = {"hooks": {"PreToolUse": [{"matcher": "Edit", "hooks": [hook]}]}}

    def attend() -> None:
        with gate.open("w") as file:  # opens once the first one's hook reads
            wait_until(lambda: leases(scene), "the lease")
            play.now("first is editing")
            play.wait("second was refused")
            file.write("go on\n")

    attendant = threading.Thread(target=attend, daemon=True)
    attendant.start()
    both(scene, "deny", first=(*ACCEPT, "--settings", json.dumps(settings)))
    attendant.join(TIMEOUT_S)
    assert not attendant.is_alive()
    refused = play.last["second"].tool_results()[1]
    assert "is editing it right now (Edit, begun " in refused
    assert play.path.read_text() == "FIRST = 1\nSECOND = 2\n"


class Team(Play):
    """One session with two specialists in the parts of the first and the second."""

    names: Mapping[str, str] = {"python-engineer": "first", "test-engineer": "second"}

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        name = specialist_of(request)
        if name is not None:
            self.last[self.names[name]] = request
            return self.play(self.names[name], len(request.tool_results()))
        if request.tool_results():
            return [text("Both are at work.")]
        return [
            tool_use(
                "Agent", {"subagent_type": f"cco:{name}", "description": "edit", "prompt": "Edit."}
            )
            for name in self.names
        ]


@pytest.mark.parametrize("conflicts", ["warn", "deny"])
def test_two_agents_of_one_session(one_stage: MakeStage, conflicts: str) -> None:
    play = Team()
    scene = one_stage(play)
    play.on(scene.sandbox.project / "settings.py")
    told = scene.ask("-p", "Let both edit.", *ACCEPT, CCO_CONFLICTS=conflicts)
    seen = play.last["second"].conversation_text
    assert "the agent python-engineer changed it (Edit, " in seen
    assert ("This edit was not held back" in seen) == (conflicts == "warn")
    assert ("this edit was not made" in seen) == (conflicts == "deny")
    second = "SECOND" if conflicts == "warn" else "second"
    assert play.path.read_text() == f"FIRST = 1\n{second} = 2\n"
    assert conflicts_of(scene) == {str(told["session_id"]): 1}
    assert leases(scene) == []
