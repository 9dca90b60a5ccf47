"""What documents show of answers, messages and programs is what there is."""

from __future__ import annotations

import asyncio
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from tests.conftest import Sandbox
from tests.documents.command_lines import ROOT


def block(document: str, tag: str, start: str) -> str:
    """The fenced block that begins with some words."""
    text = (ROOT / "docs" / document).read_text()
    (found,) = [one for one in re.findall(rf"```{tag}\n(.*?)```", text, re.DOTALL)
                if one.startswith(start)]  # fmt: skip
    return str(found)


def test_the_error_in_the_description_of_the_api(daemon: Sandbox) -> None:
    asked, answer = block("api.md", "text", "GET ").split("\n\n", 1)
    status, document = answer.split("\n", 1)
    method, target = asked.split()
    got = daemon.request(method, target)
    assert got.status == int(status.split()[0])
    assert got.json() == json.loads(document)


def test_the_warning_of_an_edit_conflict(daemon: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "server.py"
    file.write_text("one\n")
    other = {"agent_id": "a", "agent_type": "cco:debugger"}

    def tool(event: str, name: str, **more: Any) -> Any:
        given = {"file_path": str(file)}
        return daemon.hook(
            event, "shown", tool_name=name, tool_input=given, cwd=str(tmp_path), **more
        )

    daemon.hook("SessionStart", "shown", source="startup", cwd=str(tmp_path))
    daemon.hook("SubagentStart", "shown", **other)
    tool("PostToolUse", "Read", tool_use_id="1")
    tool("PreToolUse", "Edit", tool_use_id="2", **other)
    file.write_text("two\n")
    tool("PostToolUse", "Edit", tool_use_id="2", **other)
    told = tool("PreToolUse", "Edit", tool_use_id="3").json()
    warning = told["hookSpecificOutput"]["additionalContext"]
    shown = " ".join(block("coordination.md", "text", "cco: conflict").split())
    shown = shown.replace("/project/server.py", str(file))
    assert re.sub(r"\d+ s ago", "0 s ago", " ".join(warning.split())) == re.sub(
        r"\d+ s ago", "0 s ago", shown
    )


def test_the_program_of_another_mcp_client_runs(daemon: Sandbox, tmp_path: Path) -> None:
    note = {"text": "Tenants are cached.", "project": str(tmp_path)}
    assert daemon.request("POST", "/api/v1/notes", note).status == 201
    program = block("coordination.md", "python", "import httpx2").replace(
        "/home/ada/shop", str(tmp_path)
    )
    settings = daemon.sealed().settings
    body = textwrap.indent(program.replace("await client.call", "return await client.call"), "    ")
    names: dict[str, Any] = {
        "token": settings.token,
        "url": f"http://127.0.0.1:{settings.port}/mcp",
    }
    exec(f"async def run():\n{body}", names)  # noqa: S102  # what the document shows
    answer = asyncio.run(names["run"]())
    assert not answer.is_error
    assert "Tenants are cached." in json.dumps(answer.model_dump(mode="json"))
