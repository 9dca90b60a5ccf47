"""The plugin folder of stubs: what Claude Code lists of each specialist, and nothing more."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from cco.sealing.private_files import (
    draft_path,
    make_private_folder,
    private_folder_fault,
    remove,
    unwritable,
    when_closed,
)

NAME = "cco"
_TOOLS = f"mcp__plugin_{NAME}_"
_USUAL_TOOLS = f"{_TOOLS}{NAME}__"
"""How a definition names tools of the daemon's, whatever the server is called."""
_SERVER_DIGITS = 8
_STUB = """---
name: {name}
description: {description}
model: {model}
tools: {tools}
---
This session is the cco specialist {name}. Its working brief comes from the orchestrator as a
message at the start of the conversation; the task follows from whoever delegated it.
"""


def write_plugin(
    path: Path,
    roster: Iterable[Mapping[str, Any]],
    version: str,
    *,
    server: str = NAME,
    port: int | None = None,
) -> None:
    """Make the folder anew, complete or not at all, readable by its owner only.

    With the daemon's port Claude Code finds its MCP endpoint too, as `server`. Windows renames no
    folder in which a file is open, as it may be in a running session: there its files are replaced.
    Raises: FolderUnusable.
    """
    draft = draft_path(path)
    try:
        make_private_folder(draft)
        for folder in (draft / ".claude-plugin", draft / "agents"):
            folder.mkdir(mode=0o700)
        manifest: dict[str, Any] = {
            "name": NAME,
            "version": version,
            "description": "cco's specialists",
        }
        if port is not None:
            manifest["mcpServers"] = {server: _mcp_server(port)}
        _write(draft / ".claude-plugin" / "plugin.json", json.dumps(manifest))
        for agent in roster:
            _write(draft / "agents" / f"{agent['name']}.md", stub(agent, server))
        if sys.platform == "win32" and private_folder_fault(path) is None:
            _take_over(draft, path)
        elif os.path.lexists(path):
            old = draft_path(path)
            path.rename(old)
            draft.rename(path)
            remove(old)
        else:
            draft.rename(path)
    except OSError as error:
        with suppress(OSError):
            remove(draft)
        raise unwritable(path, error) from None


def plugin_is_whole(path: Path, roster: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the folder has all its files; what is in them is not looked at."""
    try:
        stubs = set(os.listdir(path / "agents"))
        manifest = os.path.lexists(path / ".claude-plugin" / "plugin.json")
    except OSError:
        return False
    return manifest and stubs >= {f"{agent['name']}.md" for agent in roster}


def _take_over(draft: Path, path: Path) -> None:
    """Move the files that are new or different over those of a folder, and remove what is left."""
    new = {one.relative_to(draft) for one in draft.rglob("*")}
    for name in sorted(new):
        if (draft / name).is_dir():
            (path / name).mkdir(exist_ok=True)
        elif not _same(draft / name, path / name):
            when_closed(partial(os.replace, draft / name, path / name))
    for old in path.rglob("*"):
        if old.relative_to(path) not in new:
            remove(old)
    remove(draft)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def mcp_server(token: str) -> str:
    """What the plugin calls the daemon's MCP server.

    Claude Code keeps servers apart by their names alone, with `_` for whatever is no letter: one of
    a project's that was called as ours would answer for it, and be allowed what ours is.
    """
    told = hashlib.sha256(b"cco mcp server\0" + token.encode()).hexdigest()
    return f"{NAME}-{told[:_SERVER_DIGITS]}"


def mcp_permission(server: str) -> str:
    """How permissions name all tools of the plugin's MCP server."""
    return _TOOLS + server


def _mcp_server(port: int) -> dict[str, Any]:
    """The daemon's MCP endpoint; Claude Code expands CCO_TOKEN from its environment."""
    return {
        "type": "http",
        "url": f"http://127.0.0.1:{port}/mcp",
        "headers": {"Authorization": "Bearer ${CCO_TOKEN}"},
    }


def stub(agent: Mapping[str, Any], server: str = NAME) -> str:
    """One specialist's stub, safe with any description."""
    ours = f"{mcp_permission(server)}__"
    return _STUB.format(
        name=agent["name"],
        description=_yaml_string(agent["description"]),
        model=agent["model"],
        tools=", ".join(tool.replace(_USUAL_TOOLS, ours) for tool in agent["tools"]),
    )


def _yaml_string(text: str) -> str:
    """A JSON string is a YAML string, but for characters that YAML takes only when escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in quoted)


def _write(path: Path, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    data = text.encode()
    try:
        if os.write(fd, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(fd)
