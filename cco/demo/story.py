"""`cco demo`: run the whole thing for a person to see, and fail if any of it was not true."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cco.catalogue.bundle import load_catalogue
from cco.catalogue.model import Catalogue
from cco.claude.environment import plain_environment
from cco.claude.find import find_claude
from cco.config import load_config
from cco.demo.model_api import ModelRequest, ModelServer
from cco.demo.scenario import AFTER_COMPACTION, PROMPT, Scenario, specialist_of
from cco.errors import DemoFailed
from cco.folders import temp_folder
from cco.own_command import self_command
from cco.sealing import names
from cco.sealing.private_files import read_private

_OPENING = """\
This is the real Claude Code under cco, with a scripted model on loopback in
the place of the network: no account, no key, no cost. Home, temp folder and
project are throwaway ones.
"""
_COMMAND_TIMEOUT_S = 180
_TELEMETRY_TIMEOUT_S = 20
_POLL_S = 0.05

Say = Callable[[str], None]


def tell(say: Say, *, keep: bool) -> None:
    """Run every step and say what happened.

    Raises: DemoFailed, at the first thing that did not truly happen; ClaudeNotFound.
    """
    program = find_claude(load_config().claude, os.environ)
    say(_OPENING)
    with _throwaway_folder(say, keep) as root:
        scenario = Scenario(root / "project")
        with ModelServer(scenario) as model:
            stage = Stage(root, model, program, say)
            try:
                _play(stage, scenario, load_catalogue())
            finally:
                stage.run("daemon", "stop", check=False)


class Stage:
    """A throwaway HOME, temp folder and project, and cco in them."""

    def __init__(self, root: Path, model: ModelServer, program: Path, say: Say) -> None:
        self.temp = root / "tmp"
        self.project = root / "project"
        self.model = model
        self.say = say
        for folder in (root / "home", self.temp, self.project):
            folder.mkdir(mode=0o700)
        kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "COMSPEC", "PATHEXT", "CCO_PORT")
        env = plain_environment(os.environ)
        self.environment = {name: env[name] for name in kept if name in env} | {
            "HOME": str(root / "home"),
            "USERPROFILE": str(root / "home"),
            "TMPDIR": str(self.temp),
            "TEMP": str(self.temp),
            "TERM": "dumb",
            "CCO_CLAUDE": str(program),
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "sk-ant-demo-no-account",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }

    def run(self, *arguments: str, check: bool = True) -> str:
        """Run cco as a person would, in the throwaway project."""
        try:
            done = subprocess.run(  # noqa: S603  # ourselves
                [*self_command(), *arguments],
                cwd=self.project,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_COMMAND_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DemoFailed(f"cco {arguments[0]} did not end") from None
        out, err = done.stdout.decode(), done.stderr.decode()
        if check and done.returncode != 0:
            failures = "; ".join(self.model.failures)
            raise DemoFailed(
                f"cco {arguments[0]} failed ({done.returncode}): {err or out}{failures}"
            )
        return out

    def json(self, *arguments: str) -> Any:
        """Run a cco command that prints JSON."""
        return json.loads(self.run(*arguments, "--json"))


def _play(stage: Stage, scenario: Scenario, catalogue: Catalogue) -> None:
    say = stage.say
    say("1. The daemon starts and seals its four files.")
    stage.run("daemon", "start")
    status = stage.json("daemon", "status")
    say(f"   it answers on {status['api_url']} (pid {status['pid']})")
    _show_sealed_files(stage, catalogue)

    say("2. Claude Code is launched: cco -p " + json.dumps(PROMPT))
    printed = stage.run(
        *("-p", PROMPT, "--output-format", "json", "--permission-mode", "acceptEdits")
    )
    session_id = _session_id(printed)
    say(f"   session {session_id} has ended by itself")
    _check_delegation(stage, scenario, catalogue)

    say("3. The conversation is compacted, and the session goes on.")
    before = len(stage.model.requests)
    stage.run("-p", "/compact", "--resume", session_id)
    stage.run("-p", AFTER_COMPACTION, "--resume", session_id)
    _check_compaction(stage, stage.model.requests[before:], catalogue)

    say("4. What it cost, as the daemon counted it:")
    _show_usage(stage, session_id)

    say("5. The daemon stops.")
    stage.run("daemon", "stop")
    left = sorted(path.name for path in stage.temp.iterdir() if path.name.startswith(".cco-"))
    _demand(not left, f"files were left in the temp folder: {left}")
    say("   nothing of cco is left in the temp folder")


def _session_id(printed: str) -> str:
    try:
        return str(json.loads(printed)["session_id"])
    except (ValueError, LookupError, TypeError):
        raise DemoFailed(f"the client did not name its session: {printed[:200]!r}") from None


def _show_sealed_files(stage: Stage, catalogue: Catalogue) -> None:
    for name in names.SEALED:
        path = stage.temp / name
        _demand(path.is_file(), f"{name} was not made")
        read_private(path)  # refuses what is not its owner's alone
        status = path.stat()
        mode = f"mode {status.st_mode & 0o777:04o}"
        private = "owner only" if sys.platform == "win32" else mode  # modes mean nothing there
        stage.say(f"   {name:28} {private}  {status.st_size:7,} bytes")
    texts = [agent.brief for agent in catalogue.agents] + [catalogue.rules, catalogue.pre_compact]
    lines = [line.encode() for text in texts for line in text.splitlines() if len(line) > 40]
    for path in stage.temp.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            _demand(not any(line in data for line in lines), f"{path.name} shows plain text")
    stage.say("   no line of a brief or a rule can be read in any file there")


def _check_delegation(stage: Stage, scenario: Scenario, catalogue: Catalogue) -> None:
    requests = stage.model.requests
    mine = [request for request in requests if specialist_of(request) is None]
    _demand(bool(mine), "the client asked the model for nothing")
    _demand(catalogue.rules in mine[0].conversation_text, "the rules did not reach the model")
    _demand(catalogue.nudge in mine[0].system_text, "the system prompt lacks the nudge")
    stage.say(f"   the rules reached the model ({len(catalogue.rules):,} characters)")
    for name in scenario.specialists:
        theirs = [request for request in requests if specialist_of(request) == name]
        _demand(bool(theirs), f"{name} was never started")
        brief = catalogue.agent(name).brief
        _demand(brief in theirs[0].conversation_text, f"{name} did not get its brief")
        stage.say(f"   {name} was started with its brief ({len(brief):,} characters)")
    _demand(scenario.met, "the specialists did not work at the same time")
    for name in scenario.files:
        _demand((stage.project / name).is_file(), f"{name} was not written")
    stage.say(f"   they worked at the same time and wrote {' and '.join(scenario.files)}")


def _check_compaction(stage: Stage, requests: list[ModelRequest], catalogue: Catalogue) -> None:
    summaries = [request for request in requests if request.is_compaction]
    _demand(len(summaries) == 1, "no compaction took place")
    keep = catalogue.pre_compact.splitlines()[0]
    _demand(keep in summaries[0].last_user_text, "the summariser was not told what to keep")
    after = requests[-1].conversation_text
    told = catalogue.post_compact.splitlines()[0]
    _demand(told in after, "the session was not told where it stands")
    _demand(catalogue.rules in after, "the rules did not survive the compaction")
    for name in Scenario.specialists:
        _demand(f"{name} (done" in after, f"the recap does not name {name}")
    stage.say("   the summariser was told what to keep")
    stage.say("   rules, specialists' results and edited files are back in the conversation")


def _show_usage(stage: Stage, session_id: str) -> None:
    expected = {
        "input_tokens": sum(usage.input_tokens for usage in stage.model.usages),
        "output_tokens": sum(usage.output_tokens for usage in stage.model.usages),
        "cache_read_tokens": sum(usage.cache_read_input_tokens for usage in stage.model.usages),
        "cache_creation_tokens": sum(
            usage.cache_creation_input_tokens for usage in stage.model.usages
        ),
    }
    report: dict[str, Any] = {}
    deadline = time.monotonic() + _TELEMETRY_TIMEOUT_S
    while time.monotonic() < deadline:
        report = stage.json("usage", "--session", session_id)
        if {kind: report["total"][kind] for kind in expected} == expected:
            break
        time.sleep(_POLL_S)
    else:
        counted = {kind: report["total"][kind] for kind in expected}
        raise DemoFailed(f"the model handed out {expected}, the daemon counted {counted}")
    counted_agents = {row["agent"] for row in report["agents"] if row["calls"]}
    _demand(set(Scenario.specialists) <= counted_agents, "an agent's calls were not counted")
    for row in report["agents"]:
        tokens = sum(row[kind] for kind in expected)
        name, calls, cost = row["agent"], row["calls"], row["cost_usd"]
        stage.say(f"   {name:18} {calls:3} calls {tokens:8,} tokens  ${cost:.4f}")
    total = report["total"]
    stage.say(f"   every token is counted; ${total['cost_usd']:.4f} in all")


def _demand(happened: bool, otherwise: str) -> None:
    if not happened:
        raise DemoFailed(otherwise)


@contextmanager
def _throwaway_folder(say: Say, keep: bool) -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="cco-demo-", dir=temp_folder()))
    try:
        yield root
    finally:
        if keep:
            say(f"kept: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
