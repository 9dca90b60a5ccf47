"""The clock is set forth and back, the machine sleeps: no figure goes wrong, nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Answer, Sandbox, wait_until
from tests.integration.test_history import send_calls

DAY_S = 86_400


class Clock:
    """The daemon's time of day, which the test sets."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.path = sandbox.root / "clock"
        self.set(0)

    def set(self, offset_s: int) -> None:
        draft = self.path.with_suffix(".new")
        draft.write_text(f"{offset_s}\n")
        draft.rename(self.path)

    def session(self) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.request("GET", "/api/v1/sessions/s").json()
        return found


@pytest.fixture
def clock(source_sandbox: Sandbox, shim: str) -> Iterator[Clock]:
    """A daemon whose clock can be set."""
    found = Clock(source_sandbox)
    env = source_sandbox.environment(LD_PRELOAD=shim, CCO_SHIM_CLOCK=str(found.path))
    process = source_sandbox.start("daemon", "run", env=env)
    try:
        wait_until(lambda: source_sandbox.run("daemon", "status").code == 0, "the daemon")
        yield found
        source_sandbox.ok("daemon", "stop")
        _, err = process.communicate()
        assert b"Traceback" not in err
    finally:
        process.kill()
        process.communicate()


def times_of(session: dict[str, Any]) -> list[tuple[float, float]]:
    """Every beginning in a session, and what came after it."""
    runs = [(run["started_at"], run["ended_at"]) for run in session["agents"]]
    began = session["started_at"]
    return [(began, session["last_seen_at"]), (began, session["ended_at"] or began), *runs]


@pytest.mark.parametrize("jump_s", [-DAY_S, -1, 1, 40 * DAY_S])
def test_no_duration_is_negative(clock: Clock, jump_s: int) -> None:
    sandbox = clock.sandbox
    sandbox.hook("SessionStart", source="startup", cwd="/project")
    sandbox.hook("SubagentStart", agent_id="a", agent_type="cco:debugger")
    sandbox.hook("SubagentStart", agent_id="b", agent_type="cco:debugger")
    clock.set(jump_s)
    sandbox.hook("SubagentStop", agent_id="a", agent_type="cco:debugger")
    sandbox.hook("SessionEnd", reason="other")
    for earlier, later in times_of(clock.session()):
        assert earlier <= later
    assert {run["status"] for run in clock.session()["agents"]} == {"done", "lost"}
    for command in (("sessions",), ("sessions", "s"), ("top", "--once")):
        assert not re.search(r"-\d+:\d", sandbox.ok(*command)), command


def test_a_day_has_its_own_costs_whatever_the_clock_does(clock: Clock) -> None:
    def spent() -> float:
        day = clock.sandbox.request("GET", "/api/v1/budget").json()["day"]
        return float(day["spent_usd"])

    clock.sandbox.hook("SessionStart", source="startup", cwd="/project")
    send_calls(clock.sandbox, range(10))
    assert spent() == pytest.approx(1.0)
    clock.set(2 * DAY_S)
    assert spent() == 0
    send_calls(clock.sandbox, range(10, 15))
    assert spent() == pytest.approx(0.5)
    clock.set(0)
    assert spent() == pytest.approx(1.0)
    total = clock.sandbox.request("GET", "/api/v1/usage").json()["total"]
    assert total["cost_usd"] == pytest.approx(1.5)


def test_a_daemon_that_slept_goes_on_where_it_was(sandbox: Sandbox) -> None:
    """A suspended machine's: what was sent meanwhile is taken in, and nothing was lost before."""
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart", source="startup", cwd="/project")
    before = sandbox.sealed().settings
    answers: list[Answer] = []
    os.kill(before.pid, signal.SIGSTOP)
    try:
        sender = threading.Thread(
            target=lambda: answers.append(sandbox.hook("UserPromptSubmit", prompt="Go on."))
        )
        sender.start()
        port = f":{before.port:04X} "
        wait_until(lambda: port in Path("/proc/net/tcp").read_text(), "the connection")
    finally:
        os.kill(before.pid, signal.SIGCONT)
    sender.join()
    assert [answer.status for answer in answers] == [200]
    session = sandbox.request("GET", "/api/v1/sessions/s").json()
    assert (session["prompts"], session["project"]) == (1, "/project")
    assert sandbox.sealed().settings == before
