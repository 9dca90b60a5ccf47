"""Budgets as a program sees them over HTTP, and as a user does at a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cco.claude.bridge import HTTP_EVENTS
from cco.claude.headers import BUDGET_HEADER, LAUNCH_HEADER
from cco.sealing import names
from tests.conftest import TIMEOUT_S, Answer, Sandbox
from tests.fake_claude import FakeClaude
from tests.integration.test_http_api import assert_problem
from tests.integration.test_http_hooks import context, send_logs

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the stand-in for Claude Code reads Linux's /proc"
)


class Client:
    """A session of a launch that brought a budget."""

    def __init__(self, daemon: Sandbox, name: str, budget: str = "5") -> None:
        self.daemon = daemon
        self.name = name
        self.headers = {LAUNCH_HEADER: f"launch{name}", BUDGET_HEADER: budget}
        self._sequence = 0

    def hook(self, event: str, **payload: Any) -> Answer:
        body = {"session_id": self.name, **payload}
        return self.daemon.request("POST", f"/hooks/{event}", body, self.headers)

    def spend(self, usd: str) -> None:
        self._sequence += 1
        record = {"event__name": "api_request", "session__id": self.name, "cost_usd": usd}
        send_logs(self.daemon, {**record, "event__sequence": self._sequence})

    def prompt(self, text: str = "thanks") -> Answer:
        return self.hook("UserPromptSubmit", prompt=text)

    def dispatch(self) -> Answer:
        tool_input = {"subagent_type": "cco:debugger", "prompt": "look", "description": "look"}
        return self.hook("PreToolUse", tool_name="Agent", tool_input=tool_input)

    def line(self, **payload: Any) -> str:
        """The status line, whose command sends no header of the launch."""
        return self.daemon.hook("StatusLine", self.name, **payload).body.decode()


def budgets(daemon: Sandbox) -> dict[str, Any]:
    answer = daemon.request("GET", "/api/v1/budget")
    assert answer.status == 200
    document: dict[str, Any] = answer.json()
    return document


def of(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    (row,) = [one for one in document["sessions"] if one["session_id"] == name]
    assert isinstance(row, dict)
    return row


def silent(answer: Answer) -> bool:
    return (answer.status, answer.body) == (200, b"")


def test_a_session_from_its_first_cent_to_a_raised_budget(daemon: Sandbox) -> None:
    client = Client(daemon, "whole")
    assert silent(client.prompt())
    client.spend("3.99")
    assert silent(client.prompt())
    assert silent(client.dispatch())
    assert client.line() == "cco · $3.99 of $5.00"

    client.spend("0.11")
    assert "82% of this session's budget is used" in context(client.prompt(), "UserPromptSubmit")
    assert silent(client.prompt())
    assert "82% of this session's budget" in context(client.dispatch(), "PreToolUse")
    assert silent(client.dispatch())
    assert client.line() == "cco · $4.10 of $5.00 · 82% of budget used"

    client.spend("0.9")
    denied = client.dispatch().json()["hookSpecificOutput"]
    assert denied["permissionDecision"] == "deny"
    assert "used up ($5.00)" in denied["permissionDecisionReason"]
    blocked = client.prompt().json()
    assert set(blocked) == {"decision", "reason"}
    assert blocked["decision"] == "block"
    assert "cco budget set 10 --session whole" in blocked["reason"]
    assert silent(client.hook("PreToolUse", tool_name="Bash", tool_input={"command": "make"}))
    assert silent(client.prompt("/compact"))
    assert silent(client.prompt("<task-notification>done</task-notification>"))

    daemon.ok("budget", "set", "10", "--session", "whole")
    assert silent(client.prompt())
    assert silent(client.dispatch())
    assert client.line() == "cco · $5.00 of $10.00"


def test_the_clients_own_figure_is_not_waited_for(daemon: Sandbox) -> None:
    client = Client(daemon, "ahead")
    client.prompt()
    client.spend("4")
    assert client.line(cost={"total_cost_usd": 5.5}).startswith("cco · $5.50 of $5.00 · 110%")
    assert client.prompt().json()["decision"] == "block"
    assert of(budgets(daemon), "ahead") == {
        "session_id": "ahead",
        "project": "",
        "spent_usd": 5.5,
        "limit_usd": 5.0,
        "used_percent": 110,
        "state": "reached",
    }


@pytest.mark.parametrize("amount", ["", "nan", "-1", "0", "5 dollars", "9" * 500])
def test_a_header_that_is_no_amount_is_no_budget(daemon: Sandbox, amount: str) -> None:
    client = Client(daemon, f"odd{len(amount)}{amount[:1]}", amount)
    client.prompt()
    client.spend("1000")
    assert silent(client.prompt())


@pytest.mark.parametrize(
    "body",
    [{}, {"limit_usd": 5}, {"limit_usd": "5", "day": True}, {"limit_usd": True, "day": True},
     {"limit_usd": 0, "day": True}, {"limit_usd": -1, "day": True}, {"limit_usd": 1e7, "day": True},
     {"limit_usd": None, "day": True}, {"limit_usd": 5, "day": True, "session_id": "whole"},
     {"limit_usd": 5, "day": False}, {"limit_usd": 5, "session_id": 7}, {"limit_usd": 5, "day": 1},
     {"limit_usd": 5, "day": True, "more": 1}],
    ids=str,
)  # fmt: skip
def test_what_sets_no_budget_is_refused_and_changes_nothing(
    daemon: Sandbox, body: Mapping[str, Any]
) -> None:
    before = budgets(daemon)
    assert_problem(daemon.request("PUT", "/api/v1/budget", body), 400)
    assert budgets(daemon) == before


def test_nobodys_budget_cannot_be_set(daemon: Sandbox) -> None:
    body = {"limit_usd": 5, "session_id": "nobody"}
    assert_problem(daemon.request("PUT", "/api/v1/budget", body), 404)
    assert daemon.run("budget", "set", "5", "--session", "nobody").code == 9


@pytest.mark.parametrize("body", [b"[]", b"{", b"", b'{"limit_usd": Infinity, "day": true}'])
def test_what_is_no_object_is_refused(daemon: Sandbox, body: bytes) -> None:
    assert_problem(daemon.request("PUT", "/api/v1/budget", body), 400)


def configured(sandbox: Sandbox, text: str) -> None:
    folder = sandbox.home / ".config" / "cco"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(text)


def test_a_days_budget_is_that_of_all_sessions(sandbox: Sandbox) -> None:
    configured(sandbox, "[budget]\nday = 2\n")
    sandbox.ok("daemon", "start")
    for name in ("one", "two"):
        sandbox.hook("UserPromptSubmit", name, prompt="thanks")
        record = {"event__name": "api_request", "session__id": name, "cost_usd": "1"}
        send_logs(sandbox, {**record, "event__sequence": 1})
    reason = sandbox.hook("UserPromptSubmit", "two", prompt="thanks").json()["reason"]
    assert "Today's budget of $2.00 is used up ($2.00)" in reason
    assert "cco budget set 4 --day" in reason
    assert "today" in sandbox.ok("budget", "set", "4", "--day")
    assert silent(sandbox.hook("UserPromptSubmit", "two", prompt="thanks"))
    day = json.loads(sandbox.ok("budget", "--json"))["day"]
    assert (day["spent_usd"], day["limit_usd"], day["state"]) == (2.0, 4.0, "under")


def test_a_budget_outlives_the_daemon(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    client = Client(sandbox, "lasting")
    client.prompt()
    client.spend("5.1")
    sandbox.ok("daemon", "restart")
    assert client.line() == "cco · $5.10 of $5.00 · 102% of budget used"
    assert "used up ($5.10)" in client.prompt().json()["reason"]
    sandbox.ok("budget", "set", "6")
    sandbox.ok("budget", "set", "30", "--day")
    sandbox.ok("daemon", "restart")
    shown = budgets(sandbox)
    assert of(shown, "lasting")["limit_usd"] == 6
    assert (shown["day"]["spent_usd"], shown["day"]["limit_usd"]) == (5.1, 30)
    assert "85% of this session's budget" in context(client.prompt(), "UserPromptSubmit")


# --- at a terminal ---


def test_the_command_shows_and_sets(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    header, today = sandbox.ok("budget").splitlines()
    assert header.split() == ["BUDGET", "OF", "SPENT", "LIMIT", "USED", "STATE", "WHERE"]
    assert today.split()[:5] == ["today", "$0.0000", "-", "-", "unlimited"]
    nobody = sandbox.run("budget", "set", "5")
    assert (nobody.code, nobody.out) == (2, "")
    assert "no session runs" in nobody.err

    sandbox.hook("UserPromptSubmit", "one", prompt="x", cwd="/project")
    assert "$5.50" in sandbox.ok("budget", "set", "5.50")
    one = sandbox.ok("budget").splitlines()[-1].split()
    assert one == ["one", "$0.0000", "$5.50", "0%", "under", "/project"]
    sandbox.hook("UserPromptSubmit", "two", prompt="x")
    several = sandbox.run("budget", "set", "5")
    assert several.code == 2
    assert "2 sessions run" in several.err
    env = sandbox.environment(CLAUDE_CODE_SESSION_ID="two")
    document = json.loads(sandbox.ok("budget", "set", "7", "--json", env=env))
    assert (of(document, "one")["limit_usd"], of(document, "two")["limit_usd"]) == (5.5, 7)
    sandbox.hook("SessionEnd", "one", reason="other")
    assert "one" not in sandbox.ok("budget")


@pytest.mark.parametrize(
    "arguments",
    [["set"], ["set", "x"], ["set", "0"], ["set", "nan"], ["set", "1e9"], ["set", "--day"],
     ["set", "5", "--day", "--session", "s"], ["raise"]],
    ids=" ".join,
)  # fmt: skip
def test_a_command_that_makes_no_sense(daemon: Sandbox, arguments: list[str]) -> None:
    result = daemon.run("budget", *arguments)
    assert (result.code, result.out) == (2, "")
    assert "Traceback" not in result.err


def test_without_a_daemon_there_is_nothing_to_show(source_sandbox: Sandbox) -> None:
    assert source_sandbox.run("budget").code == 3
    assert source_sandbox.leftovers() == []


# --- the launch ---


def launch(sandbox: Sandbox, fake: FakeClaude, *arguments: str, **more: str) -> Path:
    """Launch, and return the settings that Claude Code was given."""
    env = sandbox.environment(CCO_CLAUDE=str(fake.path), **more)
    result = sandbox.run(*arguments, env=env)
    assert (result.code, result.out, result.err) == (0, "", "")
    start = fake.only_start()
    assert "--budget" not in " ".join(start.arguments)
    return Path(start.option("--settings"))


def headers(path: Path) -> list[dict[str, str]]:
    hooks = json.loads(path.read_text())["hooks"]
    return [hooks[event][0]["hooks"][0]["headers"] for event in HTTP_EVENTS]


@linux
@pytest.mark.parametrize(
    ("arguments", "variable", "amount"),
    [(["--budget", "5"], "", "5.0"), (["--budget=0.5", "-p", "x"], "", "0.5"),
     (["-p", "x", "--budget", "5"], "7", "5.0"), (["-p", "x"], "7", "7.0")],
)  # fmt: skip
def test_every_hook_of_a_launch_says_its_budget(
    sandbox: Sandbox, fake_claude: FakeClaude, arguments: list[str], variable: str, amount: str
) -> None:
    path = launch(sandbox, fake_claude, *arguments, CCO_BUDGET=variable)
    assert {one[BUDGET_HEADER] for one in headers(path)} == {amount}
    assert len({one[LAUNCH_HEADER] for one in headers(path)}) == 1
    assert path.name.startswith(names.BRIDGE_COPY_PREFIX)


def test_the_first_status_line_knows_the_budget(daemon: Sandbox) -> None:
    env = daemon.session_environment()
    launch = ("--launch", "0123abcd", "--budget", "3.5")
    event = b'{"session_id": "first", "source": "startup"}'
    line = daemon.run("statusline", *launch, stdin=event, env=env)
    assert line.out == "cco · $0.00 of $3.50\n"
    daemon.run("hook", "SessionStart", *launch, stdin=event.replace(b"first", b"second"), env=env)
    told = daemon.request("GET", "/api/v1/budget").json()["sessions"]
    limits = {one["session_id"]: one["limit_usd"] for one in told}
    assert (limits["first"], limits["second"]) == (3.5, 3.5)


@linux
def test_a_budget_in_the_file_is_every_launchs(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    configured(sandbox, "[budget]\nsession = 3\n")
    path = launch(sandbox, fake_claude, "-p", "x")
    assert {one[BUDGET_HEADER] for one in headers(path)} == {"3"}


@linux
def test_without_a_budget_the_common_bridge_is_used(
    sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    path = launch(sandbox, fake_claude, "-p", "x")
    assert path.name == names.BRIDGE
    assert all(BUDGET_HEADER not in one for one in headers(path))


@linux
@pytest.mark.parametrize("amount", ["", "x", "0", "-1", "nan", "inf", "$5", "-p"])
def test_a_bad_budget_starts_nothing(
    sandbox: Sandbox, fake_claude: FakeClaude, amount: str
) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    result = sandbox.run("-p", "x", "--budget", amount, env=env)
    assert (result.code, result.out) == (125, "")
    assert "--budget must be an amount of US dollars over 0" in result.err
    assert sandbox.run("--budget", env=env).code == 125
    assert sandbox.run("-p", "x", env={**env, "CCO_BUDGET": "x"}).code == 125
    assert fake_claude.starts() == []
    assert sandbox.leftovers() == []


@linux
def test_nobody_would_keep_to_it_without_the_orchestration(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    env = source_sandbox.environment(CCO_CLAUDE=str(fake_claude.path), ORCHESTRATOR_ENABLED="false")
    result = source_sandbox.run("--budget", "5", "-p", "x", env=env)
    assert result.code == 125
    assert "nothing would keep to a --budget" in result.err
    assert fake_claude.starts() == []


@linux
def test_after_two_dashes_it_is_claude_codes(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    env = source_sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    assert source_sandbox.run("--", "-p", "--budget", "5", env=env).code == 0
    start = fake_claude.only_start()
    assert start.arguments[-3:] == ["-p", "--budget", "5"]
    assert Path(start.option("--settings")).name == names.BRIDGE


@linux
def test_the_line_can_be_part_of_ones_own(daemon: Sandbox) -> None:
    """What the documents show: a script that has read the client's JSON and passes it on."""
    env = daemon.session_environment()
    payload = {"session_id": "composed", "cost": {"total_cost_usd": 1.5}}
    line = daemon.run("statusline", stdin=json.dumps(payload).encode(), env=env)
    assert (line.code, line.out, line.err) == (0, "cco · $1.50\n", "")
    reading, writing = os.openpty()
    with os.fdopen(reading), os.fdopen(writing) as typed:  # a person, who has no event to give
        by_hand = subprocess.run(
            [*daemon.command, "statusline"],
            env=env, stdin=typed, capture_output=True, check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
    assert (by_hand.returncode, by_hand.stdout, by_hand.stderr) == (0, b"", b"")
    outside = daemon.run("statusline", stdin=json.dumps(payload).encode())
    assert (outside.code, outside.out, outside.err) == (0, "", "")
