"""The interactive client and background sessions, as a person at a terminal has them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil
import pytest

from cco.catalogue.markdown import load_markdown
from cco.demo.model_api import Block, ModelRequest, text, tool_use
from tests.conftest import wait_until
from tests.e2e.conftest import BACKGROUND_WITH_A_KEY, MakeStage, Stage

CATALOGUE = load_markdown()
_TIMEOUT_S = 60
_COLUMNS = 120


class Terminal:
    """A program on a pseudo-terminal, its screen as the text that was written to it."""

    def __init__(self, stage: Stage, *arguments: str) -> None:
        self.output = b""
        argv, env = [*stage.sandbox.command, *arguments], stage.environment()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(stage.sandbox.project)
                os.execve(argv[0], argv, env)
            finally:
                os._exit(99)
        size = struct.pack("HHHH", 40, _COLUMNS, 0, 0)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)

    @property
    def screen(self) -> str:
        """The output without its escape sequences and spaces, which cursor movements replace."""
        plain = re.sub(
            rb"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)", b"", self.output
        )
        return re.sub(r"\s+", "", plain.decode("utf-8", "replace"))

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def say(self, line: str) -> None:
        """Type a line, see it on the screen, and send it."""
        seen = len(self.screen)
        self.type(line)
        self.wait_for(lambda: "".join(line.split()) in self.screen[seen:])
        self.type("\r")

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, self.screen[-3000:]
            self._read(0.05)

    def press_until(self, key: str, condition: Callable[[], bool]) -> None:
        """Press a key until something has come of it: a dialog may not listen at first."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, self.screen[-3000:]
            self.type(key)
            self._read(0.5)

    def leave(self) -> int:
        """End the session as a person would; returns the exit code.

        Older clients offer to complete the command first.
        """
        deadline = time.monotonic() + _TIMEOUT_S
        self.say("/exit")
        again_at = time.monotonic() + 2
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, self.screen[-3000:]
            self._read(0.05)
            if time.monotonic() > again_at:
                self.type("\r")
                again_at += 2

    def _read(self, timeout_s: float) -> None:
        if select.select([self._fd], [], [], timeout_s)[0]:
            with suppress(OSError):
                self.output += os.read(self._fd, 65536)

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._fd)
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


@contextmanager
def terminal(stage: Stage, *arguments: str) -> Iterator[Terminal]:
    opened = Terminal(stage, *arguments)
    try:
        yield opened
    finally:
        opened.close()


def test_interactive_session(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("This is the answer.")])
    scene.skip_first_run_dialogs()
    with terminal(scene) as screen:
        screen.wait_for(lambda: "cco·$" in screen.screen)  # the status line is ours
        assert psutil.Process(screen.pid).exe() == os.path.realpath(scene.claude)
        screen.say("Hello there.")
        screen.wait_for(lambda: "Thisistheanswer." in screen.screen)
        asked = [one for one in scene.requests if "Hello there." in one.last_user_text]
        (request,) = [one for one in asked if one.tool_names]  # and not for the session's title
        assert CATALOGUE.rules in request.conversation_text
        assert screen.leave() == 0
    (session,) = scene.json("sessions")["sessions"]
    assert session["prompts"] == 1


def test_compaction_in_the_middle_of_a_session(one_stage: MakeStage) -> None:
    scene = one_stage(
        lambda request: [
            text("<summary>Nothing much.</summary>" if request.is_compaction else "The answer.")
        ]
    )
    scene.skip_first_run_dialogs()
    with terminal(scene) as screen:
        screen.wait_for(lambda: "cco·$" in screen.screen)
        screen.say("What is this place?")
        screen.wait_for(lambda: "Theanswer." in screen.screen)
        screen.say("And what for?")  # older clients compact no conversation of one answer
        screen.wait_for(lambda: screen.screen.count("Theanswer.") > 1)
        screen.say("/compact")
        screen.wait_for(lambda: any(one.is_compaction for one in scene.requests))
        screen.wait_for(lambda: scene.json("sessions")["sessions"][0]["compactions"] == 1)
        screen.say("And now?")
        screen.wait_for(lambda: any("And now?" in one.last_user_text for one in scene.requests))
        assert screen.leave() == 0
    (summary,) = [one for one in scene.requests if one.is_compaction]
    assert CATALOGUE.pre_compact.splitlines()[0] in summary.last_user_text
    assert "The first request began: “What is this place?”" in summary.last_user_text
    asked = [one for one in scene.requests if "And now?" in one.last_user_text]
    (after,) = [one for one in asked if one.tool_names]  # and not for the session's title
    assert CATALOGUE.post_compact.splitlines()[0] in after.conversation_text
    assert after.conversation_text.count(CATALOGUE.rules) == 1


STORE = "Which store should hold the jobs?"
PLAN = "First the schema, then the worker."


class Planning:
    """A session that asks the user a question, then has its plan approved."""

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        if request.is_compaction:
            return [text("<summary>Nothing much.</summary>")]
        if request.last_user_text.endswith("Plan the job queue."):
            labels = ["SQLite", "Postgres"]
            options = [{"label": label, "description": "a store"} for label in labels]
            question = {"question": STORE, "header": "Store", "multiSelect": False}
            return [tool_use("AskUserQuestion", {"questions": [{**question, "options": options}]})]
        if STORE in request.last_user_text:
            (path,) = set(re.findall(r"/\S+/\.claude/plans/[\w-]+\.md", request.conversation_text))
            return [tool_use("Write", {"file_path": path, "content": PLAN})]
        if "plans/" in request.last_user_text:
            return [tool_use("ExitPlanMode", {})]
        return [text("Agreed then.")]


def test_answers_and_an_approved_plan_outlive_a_compaction(one_stage: MakeStage) -> None:
    scene = one_stage(Planning())
    scene.skip_first_run_dialogs()
    with terminal(scene, "--permission-mode", "plan") as screen:
        screen.wait_for(lambda: "cco·$" in screen.screen)
        screen.say("Plan the job queue.")
        screen.wait_for(lambda: "Esctocancel" in screen.screen)
        screen.press_until("\r", lambda: any(STORE in one.last_user_text for one in scene.requests))
        screen.press_until("\r", lambda: "Agreedthen." in screen.screen)
        screen.say("/compact")
        screen.wait_for(lambda: any(one.is_compaction for one in scene.requests))
        screen.wait_for(lambda: scene.json("sessions")["sessions"][0]["compactions"] == 1)
        screen.say("And now?")
        screen.wait_for(lambda: any("And now?" in one.last_user_text for one in scene.requests))
        assert screen.leave() == 0
    (after,) = [one for one in scene.requests if "And now?" in one.last_user_text]
    assert f"Asked “{STORE}”, the user answered “SQLite”" in after.conversation_text
    plans = re.escape(str(scene.sandbox.home / ".claude" / "plans"))
    told = rf"The plan that the user approved, is in {plans}/[\w-]+\.md, began “{PLAN}”"
    assert re.search(told, after.conversation_text)


def test_a_running_session_heals_when_its_daemon_dies(one_stage: MakeStage) -> None:
    """The next status line brings the daemon back, on the same port with the same token."""
    scene = one_stage(lambda request: [text("This is the answer.")])
    scene.skip_first_run_dialogs()
    with terminal(scene) as screen:
        screen.wait_for(lambda: "cco·$" in screen.screen)
        before = scene.json("daemon", "status")
        psutil.Process(before["pid"]).kill()
        screen.say("Hello there.")
        screen.wait_for(lambda: "Thisistheanswer." in screen.screen)
        screen.wait_for(lambda: scene.sandbox.run("daemon", "status").code == 0)
        after = scene.json("daemon", "status")
        assert (after["port"], after["pid"] != before["pid"]) == (before["port"], True)
        assert screen.leave() == 0


def test_the_users_own_status_line_stays(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("This is the answer.")])
    scene.skip_first_run_dialogs()
    folder = scene.sandbox.home / ".claude"
    folder.mkdir()
    own = '{"statusLine": {"type": "command", "command": "echo THE-USERS-OWN-LINE"}}'
    (folder / "settings.json").write_text(own)
    with terminal(scene) as screen:
        screen.wait_for(lambda: "THE-USERS-OWN-LINE" in screen.screen)
        assert "cco·$" not in screen.screen
        assert screen.leave() == 0


def client_processes(scene: Stage) -> list[psutil.Process]:
    """Every process of the client that lives in this test's HOME."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            here = process.environ().get("HOME") == str(scene.sandbox.home)
            if here and process.exe() == os.path.realpath(scene.claude):
                found.append(process)
    return found


@pytest.fixture
def background_stage(one_stage: MakeStage) -> Iterator[MakeStage]:
    """A stage whose client may leave its own service behind: it is ended by id."""
    scenes: list[Stage] = []

    def make(script: Callable[..., object]) -> Stage:
        scenes.append(one_stage(script))  # type: ignore[arg-type]
        if not scenes[-1].can(BACKGROUND_WITH_A_KEY):
            pytest.skip("this client has no background sessions with an API key alone")
        return scenes[-1]

    yield make
    for scene in scenes:
        processes = client_processes(scene)
        for process in processes:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(processes, timeout=_TIMEOUT_S)


def test_background_session(background_stage: MakeStage) -> None:
    scene = background_stage(lambda request: [text("This is the answer.")])
    scene.skip_first_run_dialogs()
    started = scene.run("--bg", "Hello from the background.")
    assert started.code == 0, started

    wait_until(
        lambda: any(CATALOGUE.rules in one.conversation_text for one in scene.requests),
        "the rules in the background session",
    )
    asked = [one for one in scene.requests if "background" in one.last_user_text]
    request = next(one for one in asked if one.tool_names)  # and not for the session's title
    assert CATALOGUE.rules in request.conversation_text
