"""A session at a terminal to be recorded: the frozen cco, the real client, a scripted model."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from cco.demo.model_api import Block, ModelRequest, ModelServer, Usage, text, tool_use
from cco.demo.scenario import SLUG, TESTS, specialist_of
from pictures.recording import Recording
from pictures.terminal import Terminal
from tests.conftest import Sandbox, wait_until
from tests.e2e.conftest import Stage

PROMPT = "Add a slugify function, and tests for it."
TEAM = {
    "python-engineer": ("Write slugify", "slug.py", SLUG),
    "test-engineer": ("Test slugify", "test_slug.py", TESTS),
}
ANSWER = "slug.py and test_slug.py are written; both specialists are done."
MARKS = (
    "$ cco --budget 5",
    "cco · $0.00 of $5.00",
    PROMPT,
    "2 running: python-engineer, test-engineer",
    ANSWER,
    "$ cco usage",
    "AGENT ",
    "python-engineer ",
)
"""What a recording must have shown, each on a screen of its own or with others."""
COLUMNS, ROWS = 100, 30
_TIMEOUT_S = 60


class Play:
    """The model: hands out the work, and lets nobody finish before the audience has seen it."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.seen = threading.Event()

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        name = specialist_of(request)
        if name is not None:
            if request.tool_results():
                return [text(f"{TEAM[name][1]} is written.")]
            self.seen.wait(_TIMEOUT_S)
            path = self.project / TEAM[name][1]
            return [tool_use("Write", {"file_path": str(path), "content": TEAM[name][2]})]
        if not request.tool_results():
            return [text("Two parts, side by side."), *(self._delegate(one) for one in TEAM)]
        told = request.conversation_text.count("is written.")
        return [text(ANSWER if told >= len(TEAM) else "Both are at work.")]

    def _delegate(self, name: str) -> Block:
        task = {"subagent_type": f"cco:{name}", "description": TEAM[name][0], "prompt": "Do it."}
        return tool_use("Agent", task)


def _claimed(request: ModelRequest) -> Usage:
    """Tokens as a real conversation of this length has them."""
    own = 0 if specialist_of(request) else 9_000
    return Usage(1_200 + 310 * request.number, 420 + 35 * request.number, own + 14_000, 900)


def record(folder: Path, binary: Path, claude: str) -> Recording:
    """Play the session and record what the terminal shows.

    Raises: TimeoutError, with the screen, where something of MARKS does not come.
    """
    place = Sandbox(folder / "box", (str(binary),), frozen=True)
    project = place.home / "shop"
    project.mkdir()
    play = Play(project)
    try:
        with ModelServer(play) as model:
            model.usage_of = _claimed
            stage = Stage(place, model, claude)
            stage.skip_first_run_dialogs(project)
            with _shell(stage, project, folder) as terminal:
                recording = Recording(terminal)
                try:
                    _act(terminal, play, recording, stage)
                finally:
                    play.seen.set()
    finally:
        place.close()
    return recording


def _shell(stage: Stage, project: Path, folder: Path) -> Terminal:
    """A plain shell in which `cco` is the binary; the client does not ask before it writes."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    (programs / "cco").symlink_to(stage.sandbox.command[0])
    settings = stage.sandbox.home / ".claude" / "settings.json"
    settings.parent.mkdir()
    allowed = {"defaultMode": "default", "allow": ["Agent", "Write"]}
    settings.write_text(json.dumps({"permissions": allowed}))
    env = stage.environment(PS1="$ ", LC_ALL="C.UTF-8", COLORTERM="truecolor")
    env["PATH"] = f"{programs}:{env['PATH']}"
    argv = ["/bin/bash", "--norc", "--noprofile", "-i"]
    return Terminal(argv, env, project, columns=COLUMNS, rows=ROWS)


def _act(terminal: Terminal, play: Play, recording: Recording, stage: Stage) -> None:
    terminal.wait_for("$")
    _say(terminal, "cco --budget 5")
    terminal.wait_for(MARKS[1])
    recording.linger(1.5)
    _say(terminal, PROMPT)
    terminal.wait_for(MARKS[3])
    recording.linger(2.5, still=True)
    play.seen.set()
    terminal.wait_for(ANSWER)
    recording.linger(2.5)
    _leave(terminal)
    wait_until(lambda: _counted(stage) >= set(TEAM), "what the specialists have cost")
    _say(terminal, "cco usage")
    terminal.wait_for("total $")
    recording.linger(6)


def _counted(stage: Stage) -> set[str]:
    """Whose calls the daemon knows of so far."""
    return {str(row["agent"]) for row in stage.json("usage")["agents"] if row["calls"]}


def _leave(terminal: Terminal) -> None:
    """End the client, back to the shell."""
    terminal.type("/exit\r")
    terminal.wait_for(lambda: terminal.text.rstrip().endswith("\n$"))


def _say(terminal: Terminal, line: str) -> None:
    """Type a line as a person does, a few keys at a time, and send it."""
    for end in range(0, len(line), 3):
        terminal.type(line[end : end + 3])
        typed = line[: end + 3].rstrip()
        terminal.wait_for(_shows(terminal, typed))
    terminal.type("\r")


def _shows(terminal: Terminal, typed: str) -> Callable[[], bool]:
    return lambda: typed in terminal.text
