"""However cco ends, nobody sees a traceback who has not asked for one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cco.cli import COMMANDS
from cco.errors import REPORT_AT
from tests.conftest import Result, Sandbox, make_sandbox, wait_until
from tests.damaged import Program, copied_program, with_a_defect
from tests.fake_claude import FakeClaude
from tests.in_shell import in_shell

_AT_IMPORT = """
import os, runpy, signal, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupts())
sys.argv[1:] = {arguments!r}
runpy.run_module("cco", run_name="__main__", alter_sys=True)
"""
_WHERE_NOTHING_CAN_BE_RAISED = """
import os, runpy, signal, sys, weakref
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            watched = Interrupts()
            reference = weakref.ref(watched, lambda _: os.kill(os.getpid(), signal.SIGINT))
            del watched
sys.meta_path.insert(0, Interrupts())
import cco.cli.agents as agents
agents._personal = lambda *_: signal.pause()
sys.argv[1:] = ["agents", "list"]
runpy.run_module("cco", run_name="__main__", alter_sys=True)
"""
_IMPORTED = (
    "cco.cli", "cco.cli.entry", "cco.cli.app", "click", "click.core", "cco.cli.agents",
    "cco.config", "cco.catalogue.bundle", "cco.catalogue.overlay", "yaml", "dataclasses",
)  # fmt: skip
MESSAGE = "cco: error: unexpected "
_STREAMS = ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-")
SECRET = "hunter2-and-then-some"


# --- what nobody foresaw ---


@pytest.fixture(params=["source", "frozen"])
def defective(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Sandbox, Program]]:
    """A sandbox, and a copy of its cco in which `cco agents list` fails unexpectedly."""
    sandbox = make_sandbox(request.param, tmp_path)
    program = copied_program(sandbox, tmp_path / "copy")
    with_a_defect(program)
    yield sandbox, program
    sandbox.close()


def run_program(sandbox: Sandbox, program: Program, *arguments: str, **variables: str) -> Result:
    done = subprocess.run(
        [*program.command, *arguments],
        env=sandbox.environment(MY_API_KEY=SECRET, **variables),
        cwd=sandbox.project,
        capture_output=True,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_a_defect_is_one_message(defective: tuple[Sandbox, Program]) -> None:
    sandbox, program = defective
    result = run_program(sandbox, program, "agents", "list")
    assert (result.code, result.out) == (70, "")
    first, second, third = result.err.splitlines()
    assert first.startswith(MESSAGE)
    assert second == (
        "  This is a defect of cco. Run it again as `cco --debug …` and report what it prints:"
    )
    assert third == f"  {REPORT_AT}"


@pytest.mark.parametrize("how", ["option", "variable"])
def test_debug_shows_where_and_no_secret(defective: tuple[Sandbox, Program], how: str) -> None:
    sandbox, program = defective
    option = ["--debug"] if how == "option" else []
    variables = {} if how == "option" else {"CCO_DEBUG": "1"}
    result = run_program(sandbox, program, *option, "agents", "list", **variables)
    assert (result.code, result.out) == (70, "")
    assert result.err.startswith(MESSAGE)
    assert "Traceback (most recent call last):" in result.err
    assert SECRET not in result.err
    if not program.frozen:
        assert result.err.endswith("KeyError: '[redacted]'\n")


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_debug_can_be_off(defective: tuple[Sandbox, Program], value: str) -> None:
    sandbox, program = defective
    result = run_program(sandbox, program, "agents", "list", CCO_DEBUG=value)
    assert "Traceback" not in result.err


def test_a_known_error_shows_where_it_comes_from_too(sandbox: Sandbox) -> None:
    quiet = sandbox.run("agents", "show", "nobody")
    told = sandbox.run("--debug", "agents", "show", "nobody")
    assert (told.code, told.out) == (quiet.code, "")
    assert told.err.startswith(quiet.err + "Traceback (most recent call last):\n")
    assert told.err.splitlines()[-1] == "cco.errors.NotFound: no agent is called 'nobody'"


def test_a_launch_with_debug_is_one_for_claude_code_too(
    sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path), ORCHESTRATOR_ENABLED="false")
    assert sandbox.run("--debug", "-p", "x", env=env).code == 0
    assert fake_claude.only_start().arguments == ["--debug", "-p", "x"]
    absent = sandbox.environment(CCO_CLAUDE=str(sandbox.root / "absent/claude"))
    result = sandbox.run("--debug", "-p", "x", env=absent)
    assert result.code == 127
    assert "cco.errors.ClaudeNotFound: " in result.err


def test_a_daemon_that_cannot_start_says_so_and_logs_where(source_sandbox: Sandbox) -> None:
    """A fault in a process that has no terminal."""
    code = (
        "import sys, cco.daemon.server as server\n"
        "def run(*_): raise KeyError('nobody foresaw this')\n"
        "server.run = run\n"
        "from cco.daemon import log; from cco.sealing.folder import choose_folder\n"
        "log.set_up(choose_folder())\n"
        "from cco.daemon.spawned import main\n"
        "raise SystemExit(main('auto'))"
    )
    process = subprocess.run(
        [sys.executable, "-I", "-c", code],
        env=source_sandbox.environment(),
        capture_output=True,
        check=False,
    )
    assert b'"error": "Defect"' in process.stdout
    assert b"nobody foresaw this" in process.stdout
    assert process.stderr == b""
    log = source_sandbox.log_file
    wait_until(lambda: "KeyError" in log.read_text(), "the traceback in the log")


# --- interrupts ---


@pytest.mark.parametrize("name", _IMPORTED)
def test_an_interrupt_while_something_is_imported(source_sandbox: Sandbox, name: str) -> None:
    code = _AT_IMPORT.format(name=name, arguments=["agents", "list"])
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        env=source_sandbox.environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, b"")


@pytest.mark.parametrize("name", ["cco.cli.entry", "cco.cli.app"])
def test_an_interrupt_where_nothing_can_be_raised(source_sandbox: Sandbox, name: str) -> None:
    """As in the callback of an import's lock: it is neither told nor lost."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _WHERE_NOTHING_CAN_BE_RAISED.format(name=name)],
        env=source_sandbox.environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("arguments", [["version"], ["agents", "list"]], ids=" ".join)
def test_an_interrupt_at_any_moment(tmp_path: Path, arguments: list[str]) -> None:
    """Of the one file; before `python -m cco` reaches our first line, it is Python's to answer."""
    sandbox = make_sandbox("frozen", tmp_path)
    began = time.monotonic()
    sandbox.ok(*arguments)
    took_s = time.monotonic() - began
    for step in range(_MOMENTS):
        process = sandbox.start(*arguments)
        time.sleep(took_s * step / _MOMENTS)  # what is tested is the moment itself
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert process.returncode in (0, 130, -signal.SIGINT), err
        assert err == b""
    sandbox.close()


_MOMENTS = 40


@pytest.mark.parametrize("ignored", [True, False])
def test_what_was_held_or_ignored_stays_so(
    tmp_path: Path, fake_claude: FakeClaude, ignored: bool
) -> None:
    """An interrupt that the caller ignores reaches neither cco nor Claude Code."""
    sandbox = make_sandbox("frozen", tmp_path)
    script = "trap '' INT; exec \"$@\"" if ignored else 'exec "$@"'
    env = {"CCO_CLAUDE": str(fake_claude.path), "ORCHESTRATOR_ENABLED": "false"}
    assert in_shell(sandbox, script, "-p", "x", **env).code == 0
    start = fake_claude.only_start()
    assert bool(start.ignored_signals & 1 << signal.SIGINT - 1) is ignored
    assert "CCO_HELD_SIGINT" not in start.environ
    sandbox.close()


# --- streams and limits ---


@pytest.mark.parametrize("closed", _STREAMS)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["version"], 0), (["agents", "list"], 0), (["sessions"], 3), (["top"], 3), (["hook"], 2)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_closed_streams(sandbox: Sandbox, arguments: list[str], code: int, closed: str) -> None:
    result = in_shell(sandbox, f'exec "$@" {closed}', *arguments)
    assert result.code == code, result
    assert "Traceback" not in result.err
    if code and "2>&-" in closed:  # what cannot be told is not told elsewhere
        assert result.out == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["version"], 74), (["agents", "list"], 74), (["agents", "show", "debugger"], 74),
     (["--help"], 74), (["completion", "bash"], 74), (["sessions"], 3)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_an_output_that_takes_nothing(sandbox: Sandbox, arguments: list[str], code: int) -> None:
    result = in_shell(sandbox, 'exec "$@" > /dev/full', *arguments)
    assert result.code == code, result
    assert len(result.err.splitlines()) == 2, result.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["version"], 0), (["sessions"], 3), (["agents", "nonsense"], 2), (["hook"], 2)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)  # fmt: skip
def test_an_error_output_that_takes_nothing(
    sandbox: Sandbox, arguments: list[str], code: int
) -> None:
    assert in_shell(sandbox, 'exec "$@" 2> /dev/full', *arguments).code == code


_IN_NO_FOLDER = {
    "agents": ["list"], "budget": [], "completion": ["bash"], "daemon": ["status"], "dashboard": [],
    "demo": [], "doctor": [], "help": [], "install": ["--prefix", "here", "--dry-run"],
    "notes": [], "rules": ["show"], "sessions": [], "top": [], "usage": ["--project", "here"],
}  # fmt: skip


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_current_folder_that_is_gone(sandbox: Sandbox, command: str) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    absent = str(sandbox.root / "absent/claude")
    result = in_shell(sandbox, script, command, *_IN_NO_FOLDER[command], CCO_CLAUDE=absent)
    assert "Traceback" not in result.err
    assert "unexpected" not in result.err, result.err


def test_a_recursion_that_never_ends_is_a_defect_like_any_other(source_sandbox: Sandbox) -> None:
    code = (
        "import sys, cco.cli.agents as agents\n"
        "def deeper(*_): return deeper()\n"
        "agents._personal = deeper\n"
        "from cco.cli.entry import main\n"
        "raise SystemExit(main(['agents', 'list']))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        env=source_sandbox.environment(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 70
    assert done.stderr.startswith(b"cco: error: unexpected RecursionError: ")
    assert len(done.stderr.splitlines()) == 3


def test_even_a_failure_that_cannot_be_told_is_told(source_sandbox: Sandbox) -> None:
    """As with a damaged program, or without memory: the words that need nothing."""
    code = (
        "import sys; sys.modules['cco.cli.failure'] = None\n"
        "from cco.cli import entry\n"
        "def fail(argv): raise KeyError\n"
        "entry._dispatch = fail\n"
        "raise SystemExit(entry.main([{}]))"
    )
    for argument, expected in (("'agents'", 70), ("'-p'", 125)):
        done = subprocess.run(
            [sys.executable, "-I", "-c", code.format(argument)],
            env=source_sandbox.environment(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == expected
        assert done.stderr.startswith(b"cco: error: it failed, and then failed to say why")


def test_a_foreground_daemon_that_is_ended_says_nothing_bad(sandbox: Sandbox) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process = sandbox.start("daemon", "run")
        wait_until(lambda: ".cco-orchestrator-settings" in sandbox.leftovers(), "the daemon")
        process.send_signal(number)
        out, err = process.communicate()
        assert (process.returncode, out) == (0, b"")
        assert len(err.splitlines()) == 1, err
        assert sandbox.leftovers() == []
