"""A whole session with the real client: where its secrets are, on disk and among processes.

Allowed is what SECURITY.md says: texts of the orchestration in Claude Code's own transcripts, and
the token in the environment of Claude Code and of what it starts.
"""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from cco.catalogue.markdown import load_markdown
from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from cco.errors import SealError
from tests.conftest import Sandbox, has_ended, wait_until
from tests.e2e.conftest import KEY, MakeStage, Stage, one_stage
from tests.e2e.test_session import secret_lines
from tests.security.tracing import Start, starts, traced, written

__all__ = ["one_stage"]
CATALOGUE = load_markdown()
OWN_BRIEF = "canary-of-my-own-brief-5f1c9a"
PROMPT = "canary-of-the-prompt-71d20e"
ANSWER = "canary-of-the-answer-b83e44"
COMMAND = "canary-of-the-command-0c97f5"
NOTE = "canary-of-the-note-44ab91"
AGENTS = ("debugger", "canary-specialist")
TRANSCRIPTS = ".claude/projects"


class Script:
    """Asks two specialists, runs a command, and answers."""

    def __init__(self) -> None:
        self.look: list[str] = []
        self.scene: Stage | None = None

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        assert self.scene is not None
        if request.is_compaction:
            return [text(f"<summary>{ANSWER}</summary>")]
        if "tools" not in request.body:
            return [text("A title")]
        if specialist_of(request) is not None:
            return [text(f"Found: {ANSWER}")]
        if not request.tool_results():
            command = {"command": f'echo {COMMAND} "${{CCO_TOKEN:+has it}}"', "description": "Look"}
            return [
                *(
                    tool_use(
                        "Agent",
                        {"subagent_type": f"cco:{name}", "description": "look", "prompt": "Look."},
                    )
                    for name in AGENTS
                ),
                tool_use("Bash", command),
            ]
        self.look += places_of(self.scene.sandbox, texts(), beside=TRANSCRIPTS)
        return [text(ANSWER)]


def texts() -> list[bytes]:
    """What the orchestration says, our own and the user's."""
    return [*secret_lines(), OWN_BRIEF.encode()]


def files(sandbox: Sandbox) -> Iterator[Path]:
    """Every file that anything in the sandbox can have made."""
    roots = [sandbox.root]
    roots += [Path(sandbox.environment()["XDG_CACHE_HOME"])] if sandbox.frozen else []
    for root in roots:
        for path in root.rglob("*"):
            if path.is_file() and not path.is_symlink():
                yield path


def places_of(sandbox: Sandbox, secrets: Sequence[bytes], *, beside: str = "") -> list[str]:
    """The files in which a secret is readable, but for those in a folder of the home."""
    found = []
    for path in files(sandbox):
        if beside and path.is_relative_to(sandbox.home / beside):
            continue
        if path == own_definition(sandbox):  # as the user wrote it
            continue
        try:
            data = path.read_bytes()
        except OSError:  # gone meanwhile
            continue
        found += [f"{path}: {one.decode()[:60]}" for one in secrets if one in data]
    return found


def own_definition(sandbox: Sandbox) -> Path:
    return sandbox.home / ".config/cco/agents/canary.md"


@dataclass
class Seen:
    """What was found out about one whole session."""

    sandbox: Sandbox
    token: bytes
    starts: list[Start]
    written: set[Path]
    during: list[str]
    shown_to_the_model: str
    printed: str


def whole_session(scene: Stage, script: Script, into: Path) -> Seen:
    plain = scene.sandbox
    script.scene = scene
    own_definition(plain).parent.mkdir(parents=True)
    own_definition(plain).write_text(
        "---\nname: canary-specialist\ndescription: Looks for canaries.\ntools: Read\n---\n"
        f"Look for {OWN_BRIEF} and hand on to debugger.\n"
    )
    (into / "trace").mkdir(parents=True)
    watched = replace_command(plain, traced(plain.command, into / "trace" / "launch"))
    scene.sandbox = watched
    started = watched.start("-p", PROMPT, "--allowedTools", "Bash", env=scene.environment())
    wait_until(lambda: is_open(plain), "the daemon's start")
    token = plain.sealed().settings.token.encode()
    wait_until(lambda: not is_there(plain, "-p"), "the session's end")
    scene.sandbox = plain
    printed = ""
    session = json.loads(plain.ok("sessions", "--json"))["sessions"][0]["session_id"]
    for number, arguments in enumerate(
        [
            ["-p", "/compact", "--resume", session],
            ["notes", "--add", NOTE],
            ["notes"],
            ["sessions"],
            ["usage"],
            ["top", "--once"],
            ["doctor"],
            ["daemon", "status"],
            ["daemon", "logs"],
        ]
    ):
        command = traced(plain.command, into / "trace" / f"more-{number}")
        result = replace_command(plain, command).run(*arguments, env=scene.environment())
        printed += "" if arguments[0] == "-p" else result.out + result.err
    during = [*script.look, *places_of(plain, [token])]
    during += places_of(plain, texts(), beside=TRANSCRIPTS)
    check_daemon(plain, token)
    plain.ok("daemon", "stop")
    started.communicate()
    traces = list((into / "trace").iterdir())
    return Seen(
        sandbox=plain,
        token=token,
        starts=[one for folder in traces for one in starts(folder)],
        written=set().union(*(written(folder) for folder in traces)),
        during=during,
        shown_to_the_model="\n".join(one.conversation_text for one in scene.requests),
        printed=printed,
    )


def replace_command(sandbox: Sandbox, command: tuple[str, ...]) -> Sandbox:
    """The same place, entered by another command."""
    other = object.__new__(Sandbox)
    other.__dict__.update(sandbox.__dict__)
    other.command = command
    return other


def is_open(sandbox: Sandbox) -> bool:
    try:
        return bool(sandbox.sealed().settings.token)
    except SealError:
        return False


def is_there(sandbox: Sandbox, argument: str) -> bool:
    for process in sandbox.processes():
        try:
            if argument in process.cmdline() and "strace" not in process.name():
                return True
        except psutil.Error:
            continue
    return False


def check_daemon(sandbox: Sandbox, token: bytes) -> None:
    """It has nothing of the user's environment, and leaves no memory behind when it crashes."""
    pid = sandbox.sealed().settings.pid
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert token not in environment
    assert KEY.encode() not in environment
    assert b"ANTHROPIC" not in environment
    limits = Path(f"/proc/{pid}/limits").read_text()
    (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert set(core.removeprefix("Max core file size").split()) <= {"0", "1", "bytes"}


@pytest.fixture
def seen(one_stage: MakeStage, tmp_path: Path) -> Seen:
    script = Script()
    return whole_session(one_stage(script), script, tmp_path)


def test_a_whole_session_leaves_nothing_readable(seen: Seen) -> None:
    sandbox, token = seen.sandbox, seen.token
    # it was a session with all of it
    for one in (CATALOGUE.rules, CATALOGUE.agent("debugger").brief, OWN_BRIEF, COMMAND, PROMPT):
        assert one in seen.shown_to_the_model

    # files, while it ran and after it
    assert seen.during == []
    assert places_of(sandbox, [token]) == []
    assert places_of(sandbox, texts(), beside=TRANSCRIPTS) == []
    spoken = [one.encode() for one in (PROMPT, ANSWER, COMMAND, NOTE)]
    assert places_of(sandbox, spoken, beside=".claude") == []
    assert sandbox.leftovers() == []

    # nothing was written where nobody looked
    roots = [sandbox.root, Path(sandbox.environment().get("XDG_CACHE_HOME", sandbox.root))]
    outside = {
        str(path)
        for path in seen.written
        if path.is_absolute() and not any(path.is_relative_to(root) for root in roots)
    }
    harmless = ("/dev/", "/proc/", "/tmp/zsh")  # the last: here-documents of the user's own shell
    assert {one for one in outside if not one.startswith(harmless)} == set()

    # argument lists of every program that ran
    names = {one.name for one in seen.starts}
    assert "claude" in names
    lines = [*texts(), token, KEY.encode()]
    for start in seen.starts:
        argv = b"\0".join(start.arguments)
        assert not [one for one in lines if one in argv], start.arguments

    # environments: the token is where Claude Code is, and below
    for start in seen.starts:
        environment = b"\0".join(start.environment)
        assert not [one for one in texts() if one in environment], start.program
        if b"--spawned" in start.arguments:
            assert token not in environment
            assert KEY.encode() not in environment
    daemons = [start for start in seen.starts if b"--spawned" in start.arguments]
    assert daemons
    assert f"{COMMAND} has it" in seen.shown_to_the_model  # a command may print its environment

    # what commands print
    assert NOTE in seen.printed
    for secret in (token.decode(), OWN_BRIEF, PROMPT, ANSWER, COMMAND, CATALOGUE.rules):
        assert secret not in seen.printed


def test_a_crash_writes_no_memory(source_sandbox: Sandbox, tmp_path: Path) -> None:
    """Even where whoever started it wanted core dumps."""
    sandbox = source_sandbox
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if hard not in (resource.RLIM_INFINITY, -1):
        pytest.skip("this machine allows no core dumps at all")
    before = {path for place in ("/", tmp_path) for path in Path(place).glob("core*")}
    shell = 'ulimit -c unlimited && exec "$0" "$@"'
    wanting = replace_command(sandbox, ("/bin/sh", "-c", shell, *sandbox.command))
    wanting.ok("daemon", "start")
    pid = sandbox.sealed().settings.pid
    os.kill(pid, signal.SIGABRT)
    wait_until(lambda: has_ended(pid), "the daemon's end")
    after = {path for place in ("/", tmp_path) for path in Path(place).glob("core*")}
    assert after == before
    assert places_of(sandbox, secret_lines()) == []
