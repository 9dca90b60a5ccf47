"""The plain settings that `--settings` points at: where Claude Code's events go. Nothing secret."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from cco.claude.headers import BUDGET_HEADER, LAUNCH_HEADER, OPTIONS
from cco.claude.plugin import MCP_SERVER

COMMAND_EVENTS: tuple[str, ...] = ("SessionStart",)
"""Claude Code sends this one to commands only."""

HTTP_EVENTS: tuple[str, ...] = (
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "SubagentStop",
    "Stop",
    "PostCompact",
    "SessionEnd",
)
_HEALING_EVENTS = ("UserPromptSubmit", "SubagentStart", "PreCompact")
"""Rare ones, whose answers a session cannot do without: where the daemon died, a command brings it
back and still gives the answer. On Windows each command might flash a console."""

if sys.platform == "win32":
    HTTP_EVENTS += _HEALING_EVENTS
else:
    COMMAND_EVENTS += _HEALING_EVENTS

EVENTS = (*COMMAND_EVENTS, *HTTP_EVENTS)
ALLOWED = (MCP_SERVER, "Bash(cco notes:*)")
"""What works without a question: the daemon's own tools, and its notes for specialists, whose
stubs list no MCP tools."""
_HTTP_TIMEOUT_S = 5
_COMMAND_TIMEOUT_S = 20


def bridge_settings(
    port: int,
    command: Sequence[str],
    *,
    status_line: bool,
    launch_id: str | None = None,
    budget_usd: float | None = None,
) -> dict[str, Any]:
    """Make the settings document: hooks that reach the daemon, its tools, and the status line.

    The token is named, not given: Claude Code expands CCO_TOKEN from its environment.
    """
    launch = {} if launch_id is None else {LAUNCH_HEADER: launch_id}
    if budget_usd is not None:
        launch[BUDGET_HEADER] = str(budget_usd)
    headers = {"Authorization": "Bearer $CCO_TOKEN", **launch}
    options = [
        part
        for one, header in OPTIONS.items()
        if header in launch
        for part in (one, launch[header])
    ]
    hooks: dict[str, Any] = {}
    for event in COMMAND_EVENTS:
        hook = {
            "type": "command",
            **_hook_command([*command, "hook", event, *options]),
            "timeout": _COMMAND_TIMEOUT_S,
        }
        hooks[event] = [{"hooks": [hook]}]
    for event in HTTP_EVENTS:
        hook = {
            "type": "http",
            "url": f"http://127.0.0.1:{port}/hooks/{event}",
            "headers": headers,
            "allowedEnvVars": ["CCO_TOKEN"],
            "timeout": _HTTP_TIMEOUT_S,
        }
        hooks[event] = [{"hooks": [hook]}]
    settings: dict[str, Any] = {"hooks": hooks, "permissions": {"allow": list(ALLOWED)}}
    if status_line:
        line = shell_command([*command, "statusline", *options])
        settings["statusLine"] = {"type": "command", "command": line}
    return settings


def _hook_command(arguments: Sequence[str]) -> dict[str, Any]:
    """How a command hook names its program: on Windows without a shell, of which it has two."""
    if sys.platform == "win32":
        return {"command": arguments[0], "args": list(arguments[1:])}
    return {"command": shell_command(arguments)}


def shell_command(arguments: Sequence[str]) -> str:
    """Quote an argument vector for the shell that Claude Code runs commands with."""
    if sys.platform == "win32":
        from cco.claude.windows_shell import command_line

        return command_line(arguments, os.environ)
    return shlex.join(arguments)


def merge_settings(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Put a user's own `--settings` over ours: hooks of both run, both may allow tools, anything
    else of theirs wins but for the variables that ours sets."""
    merged = {**ours, **theirs}
    permissions = theirs.get("permissions")
    if isinstance(permissions, Mapping):
        allow = permissions.get("allow", [])
        both = [*ours["permissions"]["allow"], *allow] if isinstance(allow, list) else allow
        merged["permissions"] = {**permissions, "allow": both}
    if "env" in ours and isinstance(theirs.get("env"), Mapping):
        merged["env"] = {**theirs["env"], **ours["env"]}
    hooks = theirs.get("hooks")
    if isinstance(hooks, Mapping):
        merged["hooks"] = dict(ours["hooks"])
        for event, added in hooks.items():
            both = [*ours["hooks"].get(event, []), *added] if isinstance(added, list) else added
            merged["hooks"][event] = both
    else:
        merged["hooks"] = ours["hooks"]
    return merged
