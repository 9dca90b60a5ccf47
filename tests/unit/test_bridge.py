"""The bridge settings: hooks that reach the daemon, merged with a user's own."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.claude.bridge import (
    COMMAND_EVENTS,
    EVENTS,
    HTTP_EVENTS,
    bridge_settings,
    merge_settings,
    shell_command,
)
from cco.claude.headers import BUDGET_HEADER, LAUNCH_HEADER
from cco.claude.windows_shell import command_line
from cco.cli.hook import launch_headers

COMMAND = ["/opt/my tools/cco's", "-m", "cco"]


def bridge(**more: Any) -> dict[str, Any]:
    return bridge_settings(4711, COMMAND, **{"status_line": True, **more})


def test_every_event_has_one_hook() -> None:
    hooks = bridge()["hooks"]
    assert set(hooks) == set(EVENTS)
    assert all(len(entries) == 1 and len(entries[0]["hooks"]) == 1 for entries in hooks.values())


@pytest.mark.parametrize("event", HTTP_EVENTS)
def test_most_events_go_to_the_daemon_over_loopback(event: str) -> None:
    hook = bridge()["hooks"][event][0]["hooks"][0]
    assert hook["type"] == "http"
    assert hook["url"] == f"http://127.0.0.1:4711/hooks/{event}"
    assert hook["headers"] == {"Authorization": "Bearer $CCO_TOKEN"}
    assert hook["allowedEnvVars"] == ["CCO_TOKEN"]
    assert 0 < hook["timeout"] <= 10


@pytest.mark.parametrize("event", COMMAND_EVENTS)
def test_a_session_start_goes_to_a_command(event: str) -> None:
    hook = bridge()["hooks"][event][0]["hooks"][0]
    assert hook["type"] == "command"
    assert shlex.split(hook["command"]) == [*COMMAND, "hook", event]


@pytest.mark.skipif(sys.platform == "win32", reason="each command might flash a console there")
def test_a_prompt_goes_to_a_command_where_no_status_line_brings_the_daemon_back() -> None:
    for event in EVENTS:
        ours, users = (bridge(status_line=shown)["hooks"][event] for shown in (True, False))
        if event == "UserPromptSubmit":
            assert [users[0]["hooks"][0]["type"], ours[0]["hooks"][0]["type"]] == [
                "command",
                "http",
            ]
        else:
            assert ours == users


def test_the_status_line_is_ours_or_not_there() -> None:
    line = bridge()["statusLine"]
    assert line["type"] == "command"
    assert shlex.split(line["command"]) == [*COMMAND, "statusline"]
    assert "statusLine" not in bridge(status_line=False)


def test_a_launch_can_be_told_apart() -> None:
    settings = bridge(launch_id="0123abcd")
    for event in HTTP_EVENTS:
        assert settings["hooks"][event][0]["hooks"][0]["headers"][LAUNCH_HEADER] == "0123abcd"


def test_commands_are_told_of_the_launch_as_headers_are() -> None:
    settings = bridge(launch_id="0123abcd", budget_usd=2.5)
    told = ["--launch", "0123abcd", "--budget", "2.5"]
    assert launch_headers(told) == {LAUNCH_HEADER: "0123abcd", BUDGET_HEADER: "2.5"}
    for event in COMMAND_EVENTS:
        command = settings["hooks"][event][0]["hooks"][0]["command"]
        assert shlex.split(command) == [*COMMAND, "hook", event, *told]
    assert shlex.split(settings["statusLine"]["command"]) == [*COMMAND, "statusline", *told]


def test_it_is_json() -> None:
    assert json.loads(json.dumps(bridge())) == bridge()


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0"))))
def test_commands_survive_the_shell(arguments: list[str]) -> None:
    assert shlex.split(shell_command(arguments)) == arguments


def test_on_windows_hooks_need_no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    settings = bridge_settings(4711, [r"C:\Program Files\cco.exe"], status_line=False)
    hook = settings["hooks"]["SessionStart"][0]["hooks"][0]
    assert hook["command"] == r"C:\Program Files\cco.exe"
    assert hook["args"] == ["hook", "SessionStart"]


def test_on_windows_the_status_line_suits_the_shell_that_is_there(tmp_path: Path) -> None:
    """bash of Git for Windows, named, or found by its git; else PowerShell."""
    arguments = ["C:\\Users\\O'Neill\u2019s\\cco.exe", "statusline"]
    assert command_line([r"C:\Users\me\cco.exe", "statusline"], {}) == (
        "C:/Users/me/cco.exe statusline"
    )
    powershell = "& 'C:/Users/O''Neill\u2019\u2019s/cco.exe' 'statusline'"
    assert command_line(arguments, {}) == powershell
    bash = tmp_path / "bin" / "bash.exe"
    named = {"CLAUDE_CODE_GIT_BASH_PATH": str(bash)}
    assert command_line(arguments, named) == powershell
    for program in (bash, tmp_path / "cmd" / ("git.exe" if sys.platform == "win32" else "git")):
        program.parent.mkdir()
        program.touch(mode=0o755)
    for environ in (named, {"PATH": str(tmp_path / "cmd")}):
        words = shlex.split(command_line(arguments, environ))
        assert words == ["C:/Users/O'Neill\u2019s/cco.exe", "statusline"]


def test_hooks_of_both_run() -> None:
    theirs = {
        "hooks": {
            "Stop": [{"hooks": [{"type": "command", "command": "theirs"}]}],
            "Notification": [{"hooks": [{"type": "command", "command": "bell"}]}],
        }
    }
    merged = merge_settings(bridge(), theirs)
    assert merged["hooks"]["Stop"] == [*bridge()["hooks"]["Stop"], *theirs["hooks"]["Stop"]]
    assert merged["hooks"]["Notification"] == theirs["hooks"]["Notification"]
    for event in set(EVENTS) - {"Stop"}:
        assert merged["hooks"][event] == bridge()["hooks"][event]


def test_anything_else_of_theirs_wins() -> None:
    theirs = {
        "statusLine": {"type": "command", "command": "mine"},
        "env": {"A": "b"},
        "model": "opus",
        "größe": ["ü", None, 1.5],
    }
    merged = merge_settings(bridge(), theirs)
    assert {name: merged[name] for name in theirs} == theirs
    assert merged["hooks"] == bridge()["hooks"]


def test_both_may_allow_tools_and_only_they_forbid_any() -> None:
    ours = bridge(allow=["mcp__x"])["permissions"]["allow"]
    assert ours == ["mcp__x", "Bash(cco notes:*)"]
    theirs = {"permissions": {"allow": ["Bash(ls:*)"], "deny": ["WebFetch"]}}
    merged = merge_settings(bridge(allow=["mcp__x"]), theirs)["permissions"]
    assert merged == {"allow": [*ours, "Bash(ls:*)"], "deny": ["WebFetch"]}
    default = {"permissions": {"defaultMode": "plan"}}
    merged = merge_settings(bridge(allow=["mcp__x"]), default)["permissions"]
    assert merged == {"allow": ours, "defaultMode": "plan"}


@pytest.mark.parametrize("hooks", [None, [], "x", 5, {}])
def test_hooks_that_are_none_do_not_cost_ours(hooks: object) -> None:
    assert merge_settings(bridge(), {"hooks": hooks})["hooks"] == bridge()["hooks"]


def test_merging_changes_neither() -> None:
    ours, theirs = bridge(), {"hooks": {"Stop": [{"hooks": []}]}, "model": "opus"}
    before = json.dumps([ours, theirs])
    merge_settings(ours, theirs)
    assert json.dumps([ours, theirs]) == before
