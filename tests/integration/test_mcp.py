"""The MCP endpoint with the official client library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from cco.ledger.notes import MAX_TEXT_CHARS
from tests.conftest import TIMEOUT_S, Sandbox

pytestmark = pytest.mark.usefixtures("undisturbed")

TOOLS = ["note", "notes", "who_edits", "find_agent", "status"]
MODES = ["auto", "legacy", "2026-07-28"]


def talk(
    daemon: Sandbox,
    mode: str,
    story: Callable[[Client], Awaitable[None]],
    project: Path | None = None,
) -> None:
    """Let the official client talk with the daemon."""
    settings = daemon.sealed().settings
    headers = {"Authorization": f"Bearer {settings.token}"}

    async def run() -> None:
        async with httpx2.AsyncClient(headers=headers, timeout=TIMEOUT_S) as http:
            if project is not None:
                http.headers.encoding = "utf-8"
                http.headers["X-CCO-Project"] = str(project)
            url = f"http://127.0.0.1:{settings.port}/mcp"
            async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
                await story(client)

    asyncio.run(run())


def told(result: CallToolResult) -> dict[str, Any]:
    """What a call gave back, twice: as structure and as text."""
    assert not result.is_error, result.content
    structure = result.structured_content
    assert isinstance(structure, dict)
    (block,) = result.content
    assert block.type == "text"
    assert json.loads(block.text) == structure
    return structure


def complaint(result: CallToolResult) -> str:
    """What a call that could not be answered says."""
    assert result.is_error
    (block,) = result.content
    assert block.type == "text"
    return block.text


@pytest.mark.parametrize(
    ("mode", "version"), [*zip(MODES, ["2026-07-28", "2025-11-25", "2026-07-28"], strict=True)]
)
def test_the_official_client_lists_the_tools(daemon: Sandbox, mode: str, version: str) -> None:
    async def story(client: Client) -> None:
        assert client.protocol_version == version
        listed = (await client.list_tools()).tools
        assert [tool.name for tool in listed] == TOOLS
        assert all(tool.description and tool.output_schema for tool in listed)
        writes = [tool.name for tool in listed if not tool.annotations.read_only_hint]  # type: ignore[union-attr]
        assert writes == ["note"]
        if mode != "2026-07-28":
            assert client.server_info is not None
            assert client.server_info.name == "cco"

    talk(daemon, mode, story)


@pytest.mark.parametrize("mode", MODES)
def test_a_note_is_found_in_its_project_only(daemon: Sandbox, mode: str, tmp_path: Path) -> None:
    mine, other = tmp_path / "größe", tmp_path / "other"
    (mine / ".git").mkdir(parents=True)
    (mine / "deep").mkdir()
    other.mkdir()

    async def leave(client: Client) -> None:
        given = {"text": "Port 5433, not 5432 “here”", "path": "db/pool.py"}
        result = told(await client.call_tool("note", given))
        assert result["project"] == str(mine.resolve())

    async def find(client: Client) -> None:
        for arguments in ({}, {"query": "which port?"}, {"query": "pool"}, {"limit": 1}):
            (note,) = told(await client.call_tool("notes", arguments))["notes"]
            assert note["text"] == "Port 5433, not 5432 “here”"
            assert note["path"] == "db/pool.py"
            assert note["author"] == "another client"
        empty = {"notes": [], "left_out": 0}
        assert told(await client.call_tool("notes", {"query": "kubernetes"})) == empty
        assert told(await client.call_tool("status"))["notes"] == 1

    async def find_nothing(client: Client) -> None:
        assert told(await client.call_tool("notes")) == {"notes": [], "left_out": 0}

    talk(daemon, mode, leave, mine)
    talk(daemon, mode, find, mine / "deep")
    talk(daemon, mode, find_nothing, other)


def test_a_call_is_its_sessions_by_the_id_that_its_hook_told(
    daemon: Sandbox, tmp_path: Path
) -> None:
    """What Claude Code sends: no session, but the id of the tool use."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        daemon.hook("SessionStart", f"{name}-session", cwd=str(tmp_path / name), source="startup")
    daemon.hook("SubagentStart", "one-session", agent_id="a", agent_type="cco:debugger")

    def announce(use_id: str, session_id: str, **more: object) -> dict[str, Any]:
        daemon.hook(
            "PreToolUse",
            session_id,
            tool_name="mcp__plugin_cco_cco__note",
            tool_use_id=use_id,
            tool_input={},
            cwd=str(tmp_path),  # wherever the session went in between
            **more,
        )
        return {"claudecode/toolUseId": use_id}

    metas = {
        "by the session": announce("u1", "one-session"),
        "by its agent": announce("u2", "one-session", agent_id="a", agent_type="cco:debugger"),
        "by the other": announce("u3", "two-session"),
    }

    async def story(client: Client) -> None:
        for text, meta in metas.items():
            told(await client.call_tool("note", {"text": text}, meta=meta))  # type: ignore[arg-type]
        result = await client.call_tool("notes", meta=metas["by its agent"])  # type: ignore[arg-type]
        rows = told(result)["notes"]
        assert [(row["text"], row["author"]) for row in rows] == [
            ("by its agent", "debugger"),
            ("by the session", "session one-sess"),
        ]
        status = told(await client.call_tool("status", meta=metas["by the session"]))  # type: ignore[arg-type]
        (session,) = status["sessions"]
        assert (session["session_id"], session["this_session"]) == ("one-session", True)
        assert session["agents_running"] == ["debugger"]
        unknown: Any = {"claudecode/toolUseId": "never announced"}
        result = await client.call_tool("note", {"text": "x"}, meta=unknown)
        assert "unknown which project" in complaint(result)

    talk(daemon, "auto", story)


def test_who_edits_a_file_is_told(daemon: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "shared.py"
    path.write_text("x = 1\n")
    (tmp_path / "link.py").symlink_to(path)
    daemon.hook("SubagentStart", "editing", agent_id="e", agent_type="cco:python-engineer")
    edit = {
        "tool_name": "Edit",
        "tool_use_id": "edit-1",
        "tool_input": {"file_path": str(path)},
        "cwd": str(tmp_path),
    }
    daemon.hook("PreToolUse", "editing", agent_id="e", **edit)

    async def during(client: Client) -> None:
        for name in ("shared.py", str(tmp_path / "link.py")):
            result = told(await client.call_tool("who_edits", {"path": name}))
            assert result["path"] == str(path.resolve())
            (row,) = result["editing"]
            assert (row["agent"], row["session_id"]) == ("python-engineer", "editing")
            assert (row["tool"], row["this_session"]) == ("Edit", False)
            assert result["last_change"] is None
        nobody = told(await client.call_tool("who_edits", {"path": "other.py"}))
        assert (nobody["editing"], nobody["last_change"]) == ([], None)

    async def after(client: Client) -> None:
        result = told(await client.call_tool("who_edits", {"path": "shared.py"}))
        assert result["editing"] == []
        assert result["last_change"]["agent"] == "python-engineer"

    talk(daemon, "auto", during, tmp_path)
    daemon.hook("PostToolUse", "editing", agent_id="e", **edit)
    talk(daemon, "auto", after, tmp_path)


def test_a_specialist_is_found_with_reasons(daemon: Sandbox) -> None:
    task = "Our Postgres query is slow since the migration; find the missing index"

    async def story(client: Client) -> None:
        rows = told(await client.call_tool("find_agent", {"task": task}))["agents"]
        assert 1 <= len(rows) <= 3
        assert rows[0]["agent"] == "cco:database-engineer"
        assert {"Postgres", "query", "slow", "migration"} <= set(rows[0]["matched"])
        assert all(row["for"] and row["model"] and row["matched"] for row in rows)
        assert [row["score"] for row in rows] == sorted(
            (row["score"] for row in rows), reverse=True
        )
        assert told(await client.call_tool("find_agent", {"task": "qqq zzz"})) == {"agents": []}

    talk(daemon, "auto", story)


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("note", {}, "note needs text"),
        ("note", {"text": "  "}, "text must be text, and not empty"),
        ("note", {"text": 5}, "text must be text, and not empty"),
        ("note", {"text": "x" * (MAX_TEXT_CHARS + 1)}, f"{MAX_TEXT_CHARS} is the most"),
        ("note", {"text": "x", "colour": "red"}, "it takes text, path"),
        ("notes", {"limit": 0}, "limit must be 1 to 50"),
        ("notes", {"limit": True}, "limit must be 1 to 50"),
        ("who_edits", {"path": "a\0b"}, "path must be that of a file"),
        ("find_agent", {"task": None}, "task must be text, and not empty"),
        ("status", {"x": 1}, "it takes nothing"),
    ],
)
def test_bad_arguments_are_told_to_the_model(
    daemon: Sandbox, tool: str, arguments: dict[str, Any], said: str, tmp_path: Path
) -> None:
    async def story(client: Client) -> None:
        assert said in complaint(await client.call_tool(tool, arguments))

    talk(daemon, "auto", story, tmp_path)


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_tool_is_an_error_of_the_protocol(daemon: Sandbox, mode: str) -> None:
    async def story(client: Client) -> None:
        with pytest.raises(MCPError, match="Unknown tool; there are note, notes"):
            await client.call_tool("launch", {})

    talk(daemon, mode, story)


def test_what_notes_give_back_is_bounded(daemon: Sandbox, tmp_path: Path) -> None:
    for number in range(12):
        note = {"text": f"{number} " + "x" * 1_900, "project": str(tmp_path)}
        assert daemon.request("POST", "/api/v1/notes", note).status == 201

    async def story(client: Client) -> None:
        result = told(await client.call_tool("notes", {"limit": 50}))
        assert 0 < len(result["notes"]) < 12
        assert len(result["notes"]) + result["left_out"] == 12
        assert sum(len(note["text"]) for note in result["notes"]) <= 12_000

    talk(daemon, "auto", story, tmp_path)
