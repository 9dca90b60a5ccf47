"""`cco top` as a person at a terminal has it, and as a script does."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil
import pytest

from cco.cli.columns import width
from tests.conftest import TIMEOUT_S, Sandbox
from tests.integration.test_http_hooks import send_logs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")

GIVEN_BACK = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
_DRAWN = re.compile(r"\x1b\[2J|\x1b\[(\d+);1H\x1b\[K((?:\x1b\[[\d;]*m|[^\x1b])*)")
_SHELL = """
import os, signal, sys, termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
before = termios.tcgetattr(0)
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.argv[1], sys.argv[1:])
_, status = os.waitpid(pid, os.WUNTRACED)
assert os.WIFSTOPPED(status), status
os.tcsetpgrp(0, os.getpid())
print("stopped and", "given back" if termios.tcgetattr(0) == before else "kept", flush=True)
sys.stdin.readline()
os.tcsetpgrp(0, pid)
os.killpg(pid, signal.SIGCONT)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""The least of a shell: runs a job, waits for a line when that is stopped, lets it go on."""


class Terminal:
    """A program on a pseudo-terminal, and what a person sees there."""

    def __init__(self, argv: Sequence[str], sandbox: Sandbox, **env: str) -> None:
        self._outer, self._inner = os.openpty()
        self._written = b""
        self.resize(100, 30)
        self._before = termios.tcgetattr(self._inner)
        self.process = subprocess.Popen(
            argv,
            env=sandbox.environment(**{"TERM": "xterm-256color", **env}),
            cwd=sandbox.project,
            preexec_fn=lambda: os.login_tty(self._inner),  # noqa: PLW1509
        )

    @property
    def output(self) -> str:
        return self._written.decode(errors="replace")

    @property
    def rows(self) -> list[str]:
        """What stands in each row."""
        found: dict[int, str] = {}
        for match in _DRAWN.finditer(self.output):
            if match[1] is None:
                found.clear()
            else:
                found[int(match[1])] = re.sub(r"\x1b\[[\d;]*m", "", match[2])
        return [found[number] for number in sorted(found)]

    @property
    def screen(self) -> str:
        return "\n".join(self.rows)

    def resize(self, columns: int, rows: int) -> None:
        termios.tcsetwinsize(self._inner, (rows, columns))

    def type(self, keys: str) -> None:
        os.write(self._outer, keys.encode())

    def wait_for(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < deadline, self.output[-3000:]
            self._read(0.05)

    def sees(self, text: str) -> None:
        self.wait_for(lambda: text in self.screen)

    def wait_for_exit(self) -> int:
        """The exit code, of a program that has left the terminal as it was."""
        self.wait_for(lambda: self.process.poll() is not None)
        os.write(self._inner, b"\0")  # comes after all that the program wrote
        self.wait_for(lambda: self._written.endswith(b"\0"))
        self._written = self._written[:-1]
        assert termios.tcgetattr(self._inner) == self._before
        return self.process.returncode

    def _read(self, timeout_s: float) -> None:
        if select.select([self._outer], [], [], timeout_s)[0]:
            self._written += os.read(self._outer, 65536)

    def hang_up(self) -> None:
        """Take the terminal away, as a lost ssh connection does."""
        for fd in (self._outer, self._inner):
            with suppress(OSError):
                os.close(fd)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()


@contextmanager
def terminal(sandbox: Sandbox, *arguments: str, **env: str) -> Iterator[Terminal]:
    """`cco top` on a terminal, looking often."""
    opened = Terminal([*sandbox.command, "top", *arguments], sandbox, **env)
    try:
        yield opened
    finally:
        opened.close()


@contextmanager
def live(sandbox: Sandbox, **env: str) -> Iterator[Terminal]:
    with terminal(sandbox, "--interval", "0.2", **env) as opened:
        opened.sees("q quit")
        yield opened


@pytest.fixture
def session(served: Sandbox, request: pytest.FixtureRequest) -> Iterator[str]:
    """A session with an agent that started another, and the figures of all three."""
    name = f"s-{request.node.originalname}"[:60]
    served.hook("SessionStart", name, source="startup", cwd=f"/src/{name}", model="opus")
    for agent_id in ("a1", "a2"):
        served.hook("SubagentStart", name, agent_id=agent_id, agent_type=f"cco:{agent_id}-engineer")
    served.hook(
        "PostToolUse", name, agent_id="a1", tool_name="Agent",
        tool_input={"description": "Write \x1b[31mtests"}, tool_response={"agentId": "a2"},
    )  # fmt: skip
    for agent, cost in (({}, 0.5), ({"agent_id": "a1"}, 0.25), ({"agent_id": "a2"}, 0.125)):
        send_logs(
            served,
            {
                "event__name": "api_request", "session__id": name, "model": "claude-opus-4-5",
                "input_tokens": 100, "output_tokens": 11, "cost_usd": cost, **agent,
            },
        )  # fmt: skip
    yield name
    served.hook("SessionEnd", name)


# --- one picture ---


def test_one_picture_shows_sessions_and_their_tree(served: Sandbox, session: str) -> None:
    out = served.ok("top", "--once")
    assert "\x1b" not in out
    assert "daemon ok" in out.splitlines()[0]
    assert re.search(rf"^{session[:8]} /src/{session} .* \$0\.8750 ", out, re.MULTILINE)
    assert re.search(r"^├─ \(session itself\).* 111 +\$0\.5000 ", out, re.MULTILINE)
    assert re.search(r"^└─ a1-engineer .* 111 +\$0\.2500 ", out, re.MULTILINE)
    assert re.search(r"^   └─ a2-engineer: Write \\x1b\[31mtests +running ", out, re.MULTILINE)


def test_the_figures_for_programs_are_those_of_the_api(served: Sandbox, session: str) -> None:
    document = json.loads(served.ok("top", "--json"))
    (mine,) = [one for one in document["sessions"] if one["session_id"] == session]
    assert mine == served.request("GET", f"/api/v1/sessions/{session}").json()
    usage = served.request("GET", "/api/v1/usage").json()
    assert document["total"] == usage["total"]
    assert document["today_usd"] <= usage["total"]["cost_usd"]
    assert document["daemon"]["status"] == "ok"


def test_ended_sessions_are_gone_but_counted(served: Sandbox, session: str) -> None:
    served.hook("SessionEnd", session)
    document = json.loads(served.ok("top", "--json"))
    assert session not in [one["session_id"] for one in document["sessions"]]
    assert document["total"]["cost_usd"] >= 0.875


@pytest.mark.parametrize("arguments", [(), ("--once",), ("--json",)], ids=" ".join)
def test_without_a_daemon_it_says_so(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    result = sandbox.run("top", *arguments)
    assert (result.code, result.out) == (3, "")
    assert "cco daemon start" in result.err


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "x"])
def test_an_interval_must_make_sense(served: Sandbox, interval: str) -> None:
    assert served.run("top", "--interval", interval).code == 2


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_be_drawn_on_gets_one_picture(served: Sandbox, term: str) -> None:
    with terminal(served, TERM=term) as opened:
        assert opened.wait_for_exit() == 0
        assert "\x1b" not in opened.output
        assert opened.output.startswith("cco top: daemon ok")
        assert max(width(line) for line in opened.output.splitlines()) <= 100


# --- live ---


def test_a_new_agent_appears_and_q_ends_it(served: Sandbox, session: str) -> None:
    with live(served) as opened:
        opened.sees(session[-20:])
        assert "newcomer" not in opened.screen
        served.hook("SubagentStart", session, agent_id="n", agent_type="cco:newcomer")
        opened.sees("newcomer")
        served.hook("SubagentStop", session, agent_id="n", agent_type="cco:newcomer")
        opened.wait_for(lambda: re.search(r"newcomer +done", opened.screen))
        opened.type("a")
        opened.wait_for(lambda: "newcomer" not in opened.screen)
        opened.sees("(1 agent)")
        opened.type("s")
        opened.sees("s sort: tokens")
        opened.type("?")
        opened.sees("show or hide agents that have ended")
        opened.type("q")
        assert opened.wait_for_exit() == 0
        assert opened.output.startswith("\x1b[?1049h\x1b[?25l")
        assert opened.output.endswith(GIVEN_BACK)


def end_by(number: int) -> Callable[[Terminal], None]:
    return lambda opened: os.kill(opened.process.pid, number)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda opened: opened.type("\x03"), 130),
        (end_by(signal.SIGINT), 130),
        (end_by(signal.SIGTERM), 143),
        (end_by(signal.SIGHUP), 129),
    ],
    ids=["Ctrl-C", "SIGINT", "SIGTERM", "SIGHUP"],
)
def test_every_ending_gives_the_terminal_back(
    served: Sandbox, end: Callable[[Terminal], None], code: int
) -> None:
    with live(served) as opened:
        end(opened)
        assert opened.wait_for_exit() == code
        assert opened.output.endswith(GIVEN_BACK)


def test_it_ends_with_its_terminal(served: Sandbox) -> None:
    with live(served) as opened:
        opened.hang_up()
        assert opened.process.wait(TIMEOUT_S) in (0, 129)  # whichever it hears of first


def test_a_stop_gives_the_terminal_back_until_it_goes_on(served: Sandbox) -> None:
    job = [*served.command, "top"]
    opened = Terminal([sys.executable, "-c", _SHELL, *job], served)
    try:
        opened.sees("q quit")
        opened.type("\x1a")
        opened.wait_for(lambda: "stopped and given back" in opened.output)
        before_stop = opened.output
        assert GIVEN_BACK in before_stop
        opened.type("\n")
        opened.wait_for(lambda: opened.output.count("q quit") > before_stop.count("q quit"))
        assert "\x1b[?1049h" in opened.output[len(before_stop) :]
        opened.type("q")
        assert opened.wait_for_exit() == 0
        assert opened.output.endswith(GIVEN_BACK)
    finally:
        opened.close()


def test_after_a_stop_that_nobody_hears_of_all_is_drawn_anew(served: Sandbox) -> None:
    with live(served) as opened:
        os.kill(opened.process.pid, signal.SIGSTOP)
        opened.wait_for(
            lambda: psutil.Process(opened.process.pid).status() == psutil.STATUS_STOPPED
        )
        drawn = opened.output.count("\x1b[2J")
        os.kill(opened.process.pid, signal.SIGCONT)
        opened.wait_for(lambda: opened.output.count("\x1b[2J") > drawn)
        opened.type("q")
        assert opened.wait_for_exit() == 0


def test_a_new_size_is_taken_up(served: Sandbox, session: str) -> None:
    with live(served) as opened:
        opened.sees("MODEL")
        seen = len(opened.output)
        opened.resize(44, 9)
        opened.wait_for(lambda: "\x1b[2J" in opened.output[seen:] and len(opened.rows) == 9)
        assert max(map(width, opened.rows)) <= 44
        assert "MODEL" not in opened.screen
        opened.resize(120, 40)
        opened.sees("MODEL")


def test_colour_only_where_it_is_wanted(served: Sandbox) -> None:
    with live(served) as opened:
        assert re.search(r"\x1b\[[1-9][\d;]*m", opened.output)
    with live(served, NO_COLOR="1") as opened:
        assert not re.search(r"\x1b\[[1-9][\d;]*m", opened.output)


def test_it_outlives_the_daemon(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    with live(sandbox) as opened:
        (daemon,) = sandbox.daemon_processes()
        daemon.kill()
        opened.sees("daemon gone, waiting")
        sandbox.ok("daemon", "start")
        opened.sees("daemon ok")
        sandbox.hook("SubagentStart", "after", agent_id="n", agent_type="cco:newcomer")
        opened.sees("newcomer")
        sandbox.ok("daemon", "restart")
        opened.sees("daemon ok")
        sandbox.ok("daemon", "stop")
        opened.sees("daemon gone, waiting")
        opened.type("q")
        assert opened.wait_for_exit() == 0
