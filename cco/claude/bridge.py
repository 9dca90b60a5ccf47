"""The plain settings that `--settings` points at: where Claude Code's events go. Nothing secret."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from cco.claude import versions
from cco.claude.headers import BUDGET_HEADER, CLIENT_HEADER, LAUNCH_HEADER, OPTIONS

COMMAND_EVENTS: tuple[str, ...] = ("SessionStart",)
"""Claude Code sends this one to commands only."""

HTTP_EVENTS: tuple[str, ...] = (
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PermissionRequest",
    "SubagentStop",
    "Stop",
    "PostCompact",
    "SessionEnd",
)
_HEALING_EVENTS = ("SubagentStart", "PreCompact")
"""Rare ones, whose answers a session cannot do without: where the daemon died, a command brings it
back and still gives the answer. On Windows each command might flash a console."""

if sys.platform == "win32":
    HTTP_EVENTS += _HEALING_EVENTS
else:
    COMMAND_EVENTS += _HEALING_EVENTS

EVENTS = (*COMMAND_EVENTS, *HTTP_EVENTS)
_NEEDS = {"PostCompact": versions.POST_COMPACT, "PermissionRequest": versions.HTTP_HOOKS}
"""An event that a client does not know makes it leave out the whole document. That somebody is
asked is told beside the question, and only where no process is started for it."""
_NOTES = "Bash(cco notes:*)"
"""For specialists, whose stubs list no MCP tools."""
_HTTP_TIMEOUT_S = 5
_COMMAND_TIMEOUT_S = 20


def bridge_settings(
    port: int,
    command: Sequence[str],
    *,
    status_line: bool,
    allow: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    launch_id: str | None = None,
    budget_usd: float | None = None,
    client: versions.Version | None = None,
) -> dict[str, Any]:
    """Make the settings document: hooks that reach the daemon, its tools, and the status line.

    The token is named, not given: Claude Code expands CCO_TOKEN from its environment. `allow` is
    what works without a question beside notes, `env` what no other settings may change. What an
    old `client` does not know is left out, or done as it knows it.
    """
    launch = {} if launch_id is None else {LAUNCH_HEADER: launch_id}
    if budget_usd is not None:
        launch[BUDGET_HEADER] = str(budget_usd)
    if client is not None and needs_own_hooks(client):
        launch[CLIENT_HEADER] = versions.spelled(client)
    headers = {"Authorization": "Bearer $CCO_TOKEN", **launch}
    options = [
        part
        for one, header in OPTIONS.items()
        if header in launch
        for part in (one, launch[header])
    ]
    by_command = set(COMMAND_EVENTS)
    if not status_line and sys.platform != "win32":
        by_command.add("UserPromptSubmit")  # otherwise the status line brings the daemon back
    hooks: dict[str, Any] = {}
    for event in EVENTS:
        if event in _NEEDS and not _NEEDS[event].is_in(client):
            continue
        hook: dict[str, Any]
        if event not in by_command and versions.HTTP_HOOKS.is_in(client):
            hook = {
                "type": "http",
                "url": f"http://127.0.0.1:{port}/hooks/{event}",
                "headers": headers,
                "allowedEnvVars": ["CCO_TOKEN"],
                "timeout": _HTTP_TIMEOUT_S,
            }
        else:
            hook = {
                "type": "command",
                **_hook_command([*command, "hook", event, *options], client),
                "timeout": _COMMAND_TIMEOUT_S,
            }
        hooks[event] = [{"hooks": [hook]}]
    settings: dict[str, Any] = {"hooks": hooks, "permissions": {"allow": [*allow, _NOTES]}}
    if env is not None:
        settings["env"] = dict(env)
    if status_line:
        line = shell_command([*command, "statusline", *options])
        settings["statusLine"] = {"type": "command", "command": line}
    return settings


def needs_own_hooks(client: versions.Version | None) -> bool:
    """Whether a client is too old for the hooks that all others share: the daemon has to know."""
    return client is not None and client < versions.FULL


def _hook_command(arguments: Sequence[str], client: versions.Version | None) -> dict[str, Any]:
    """How a command hook names its program: on Windows without a shell, of which it has two.

    A client that does not know of `args` would run the program without any.
    """
    if sys.platform == "win32" and versions.HOOK_ARGUMENTS.is_in(client):
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
