"""A session that asks the person waits, and everybody who looks is told so until it is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psutil
import pytest

from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from tests.e2e.conftest import MakeStage, Stage
from tests.e2e.test_interactive import Terminal, terminal

COMMAND = "mkdir made-by-the-test && sleep 3"
ALLOW, REFUSE = "\r", "\x1b"
MODE = ("--permission-mode", "default")


def own_call(request: ModelRequest) -> Sequence[Block]:
    """The session itself runs a command that nothing allows."""
    if request.tool_results() or "Make it." not in request.conversation_text:
        return [text("So it is.")]
    return [tool_use("Bash", {"command": COMMAND, "description": "Make"})]


def agents_call(request: ModelRequest) -> Sequence[Block]:
    """A specialist does."""
    if specialist_of(request) is not None:
        is_done = bool(request.tool_results())
        run = tool_use("Bash", {"command": COMMAND, "description": "Make"})
        return [text("It is made.") if is_done else run]
    if request.tool_results() or "Make it." not in request.last_user_text:
        return [text("So it is.")]
    task = {"subagent_type": "cco:debugger", "description": "make", "prompt": "Look."}
    return [tool_use("Agent", task)]


def question(request: ModelRequest) -> Sequence[Block]:
    """The session asks the person something."""
    if request.tool_results() or "Make it." not in request.conversation_text:
        return [text("So it is.")]
    options = [{"label": label, "description": label} for label in ("SQLite", "Postgres")]
    asked = {"question": "Which store?", "header": "Store", "multiSelect": False}
    return [tool_use("AskUserQuestion", {"questions": [{**asked, "options": options}]})]


def waiting(scene: Stage) -> list[dict[str, Any]]:
    (session,) = scene.json("sessions")["sessions"]
    found: list[dict[str, Any]] = session["waiting"]
    return found


def is_asked(screen: Terminal) -> bool:
    """Whether a permission or an answer is asked for; the screen is drawn in pieces."""
    return any(told in screen.screen for told in ("Doyouwanttoproceed?", "Esctocancel"))


def until_asked(scene: Stage, screen: Terminal) -> dict[str, Any]:
    """Let the model begin; returns who waits once the question is on the screen."""
    screen.wait_for(lambda: "cco·$" in screen.screen)
    screen.say("Make it.")
    screen.wait_for(lambda: is_asked(screen))
    screen.wait_for(lambda: len(waiting(scene)) == 1)
    return waiting(scene)[0]


@pytest.mark.parametrize(
    ("script", "tool", "agent", "answer"),
    [
        (own_call, "Bash", None, ALLOW),
        (own_call, "Bash", None, REFUSE),
        (agents_call, "Bash", "debugger", ALLOW),
        (question, "AskUserQuestion", None, REFUSE),
    ],
    ids=["allowed", "refused", "allowed to an agent", "a question refused"],
)
def test_what_asks_the_person_waits_until_it_is_answered(
    one_stage: MakeStage,
    script: Callable[[ModelRequest], Sequence[Block]],
    tool: str,
    agent: str | None,
    answer: str,
) -> None:
    scene = one_stage(script)
    scene.skip_first_run_dialogs()
    with terminal(scene, *MODE) as screen:
        told = until_asked(scene, screen)
        assert (told["tool"], told["agent"]) == (tool, agent)
        assert " waiting 0:0" in scene.sandbox.ok("sessions")
        assert not (scene.sandbox.project / "made-by-the-test").exists(), "nobody answered yet"
        screen.press_until(answer, lambda: waiting(scene) == [])
        (session,) = scene.json("sessions")["sessions"]
        events = scene.sandbox.request("GET", f"/api/v1/sessions/{session['session_id']}/events")
        kinds = [one["kind"] for one in events.json()["events"]]
        assert (kinds.count("waiting"), kinds.count("answered")) == (1, 1)
        made = (scene.sandbox.project / "made-by-the-test").exists()
        assert made == (answer == ALLOW and tool == "Bash")
        assert "made-by-the-test" not in repr((session, events.body))


def test_a_question_is_asked_as_ever_where_the_daemon_has_died(one_stage: MakeStage) -> None:
    daemons: list[int] = []

    def script(request: ModelRequest) -> Sequence[Block]:
        if "Make it." in request.conversation_text:
            while daemons:
                psutil.Process(daemons.pop()).kill()
        return own_call(request)

    scene = one_stage(script)
    scene.skip_first_run_dialogs()
    with terminal(scene, *MODE) as screen:
        screen.wait_for(lambda: "cco·$" in screen.screen)
        daemons.append(scene.json("daemon", "status")["pid"])
        screen.say("Make it.")
        screen.wait_for(lambda: is_asked(screen))
        assert daemons == []
        screen.press_until(ALLOW, lambda: "Soitis." in screen.screen)
        assert (scene.sandbox.project / "made-by-the-test").exists()
