"""Budgets with the real client: what the model is told, what the user sees, and how it goes on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal

from cco.daemon.hooks.budget_guard import usd
from cco.demo.model_api import Block, ModelRequest, Usage, text, tool_use
from cco.demo.scenario import specialist_of
from cco.ledger.records import NANOS_PER_USD
from tests.conftest import wait_until
from tests.e2e.conftest import MakeStage, Stage
from tests.e2e.test_interactive import terminal

CLEAR_LINE = "\x15"
STEP = Usage(100_000, 1_000)
"""What every reply claims."""


def step_usd(make: MakeStage) -> tuple[Stage, Decimal]:
    """A stage, and what one reply costs by the client's own account."""
    scene = make(lambda request: [text("Done.")])
    scene.model.usage_of = lambda request: STEP
    cost = Decimal(str(scene.ask("-p", "What does it cost?")["total_cost_usd"]))
    assert cost > 0
    scene.requests.clear()
    return scene, cost


def dollars(amount: Decimal) -> str:
    """As cco writes an amount."""
    return usd(int(amount * NANOS_PER_USD))


def spent(scene: Stage) -> int:
    """How many replies the daemon has heard the cost of, of the session at hand."""
    latest = max(scene.json("sessions")["sessions"], key=lambda one: one["last_seen_at"])
    return int(latest["usage"]["calls"])


def dispatch(name: str) -> Block:
    task = {"subagent_type": f"cco:{name}", "description": "look", "prompt": "Look at it."}
    return tool_use("Agent", {**task, "run_in_background": False})


def after_cost_of(scene: Callable[[], Stage], calls: int, block: Block) -> Sequence[Block]:
    """Answer once the daemon knows what so many calls have cost: telemetry takes its second."""
    wait_until(lambda: spent(scene()) >= calls, f"the cost of {calls} calls")
    return [block]


def test_a_session_that_uses_up_its_budget(stage: MakeStage) -> None:
    """Seven replies fit: at six the session is warned, at eight nobody is started any more."""
    scene, step = step_usd(stage)

    def script(request: ModelRequest) -> Sequence[Block]:
        if specialist_of(request) is not None:
            return [text("Looked.")]
        if "stop" in request.last_user_text:
            return [text("Stopped.")]
        results = len(request.tool_results())
        if results < 5:  # each dispatch is two replies: the session's and the specialist's
            return after_cost_of(lambda: scene, results * 2, dispatch("debugger"))
        return [text("That was all.")]

    scene.model.script = script
    budget = ("--budget", str(step * 7))
    told = scene.ask("-p", "Look five times.", *budget)
    session_id = str(told["session_id"])
    asked = [one for one in scene.requests if specialist_of(one) is not None]
    assert len(asked) == 4
    last = [one for one in scene.requests if specialist_of(one) is None][-1]
    results = last.tool_results()
    assert len(results) == 5
    assert f"budget of {dollars(step * 7)} is used up ({dollars(step * 8)})." in results[4]
    assert f"cco budget set {math.ceil(step * 14)} --session {session_id}" in results[4]
    assert not any("used up" in one for one in results[:4])
    assert "85% of this session's budget is used" in last.conversation_text
    assert told["result"] == "That was all."

    # the next prompt is not taken, and says why; the exit code is the client's own
    count = len(scene.requests)
    again = scene.ask("-p", "Go on.", "--resume", session_id, *budget)
    assert "is used up" in again["result"]
    assert f"--session {session_id}" in again["result"]
    assert len(scene.requests) == count

    # raised, it goes on at once
    scene.sandbox.ok("budget", "set", str(step * 40), "--session", session_id)
    again = scene.ask("-p", "stop", "--resume", session_id, *budget)
    assert again["result"] == "Stopped."


def test_a_budget_is_not_the_clients_own(one_stage: MakeStage) -> None:
    """`--max-budget-usd` cuts a run off in the middle; ours lets what is under way end."""
    scene, step = step_usd(one_stage)

    def script(request: ModelRequest) -> Sequence[Block]:
        if len(request.tool_results()) < 3:
            return [tool_use("Bash", {"command": "echo on", "description": "Go on"})]
        return [text("Ended properly.")]

    scene.model.script = script
    allowed = ("--allowedTools", "Bash(echo:*)")
    ours = scene.ask("-p", "Work.", "--budget", str(step), *allowed)
    assert ours["result"] == "Ended properly."
    theirs = scene.run("-p", "Work.", "--max-budget-usd", str(step), *allowed)
    assert theirs.code == 1
    assert "budget" in theirs.out + theirs.err


def test_a_person_at_a_terminal_raises_it_and_goes_on(one_stage: MakeStage) -> None:
    scene, step = step_usd(one_stage)
    scene.skip_first_run_dialogs()
    scene.model.script = lambda request: [text("This is the answer.")]
    with terminal(scene, "--budget", str(step)) as screen:
        screen.wait_for(lambda: f"cco·$0.00of{dollars(step)}" in screen.screen)
        screen.say("Hello there.")
        screen.wait_for(lambda: "Thisistheanswer." in screen.screen)
        screen.wait_for(lambda: "00%ofbudgetused" in screen.screen)
        count = len(scene.requests)
        screen.say("And now?")
        screen.wait_for(lambda: "isusedup" in screen.screen)
        assert len(scene.requests) == count

        # /clear begins another conversation, not another budget
        running = {one["session_id"] for one in scene.json("budget")["sessions"]}
        screen.type(CLEAR_LINE)  # the client gives a prompt that was not taken back
        screen.say("/clear")
        screen.wait_for(
            lambda: bool({one["session_id"] for one in scene.json("budget")["sessions"]} - running)
        )
        seen = screen.screen.count("isusedup")
        screen.say("And anew?")
        screen.wait_for(lambda: screen.screen.count("isusedup") > seen)

        assert len(scene.requests) == count

        scene.sandbox.ok("budget", "set", str(step * 10))
        screen.type("And anew?")  # again: not every client has given it back
        screen.press_until(
            "\r", lambda: any("And anew?" in one.last_user_text for one in scene.requests)
        )
        assert screen.leave() == 0
    assert scene.json("budget")["sessions"] == []


def test_within_a_status_line_of_ones_own(one_stage: MakeStage) -> None:
    scene, step = step_usd(one_stage)
    scene.skip_first_run_dialogs()
    command = " ".join(scene.sandbox.command)
    line = (
        f'{{"statusLine": {{"type": "command", "command": "echo MINE $({command} statusline)"}}}}'
    )
    with terminal(scene, "--settings", line, "--budget", str(step * 2)) as screen:
        screen.wait_for(lambda: "MINEcco·$0.00" in screen.screen)
        screen.say("Hello there.")
        screen.wait_for(lambda: f"of{dollars(step * 2)}" in screen.screen)  # what changed is drawn
        assert screen.leave() == 0
