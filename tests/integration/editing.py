"""A session that edits a file, as its hooks tell of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from tests.conftest import Answer, Sandbox


class EditingSession:
    """A session of Claude Code as its hooks show it, and one file that it works on."""

    def __init__(self, daemon: Sandbox, path: Path | str, agent: str | None = None) -> None:
        self.daemon = daemon
        self.id = uuid4().hex
        self.path = path
        self.who = {"agent_id": f"{agent}-1", "agent_type": f"cco:{agent}"} if agent else {}
        self.cwd = str(daemon.project)

    def agent(self, name: str) -> EditingSession:
        """An agent of this session."""
        other = EditingSession(self.daemon, self.path, name)
        other.id = self.id
        self.daemon.hook("SubagentStart", self.id, **other.who)
        return other

    def tell(self, event: str, **payload: Any) -> Answer:
        return self.daemon.hook(event, self.id, cwd=self.cwd, **self.who, **payload)

    def tool(self, event: str, tool: str, call: str = "1") -> Answer:
        given = {"notebook_path" if tool == "NotebookEdit" else "file_path": str(self.path)}
        return self.tell(event, tool_name=tool, tool_input=given, tool_use_id=call)

    def read(self) -> None:
        assert self.tool("PreToolUse", "Read").body == b""
        assert self.tool("PostToolUse", "Read").body == b""

    def begin(self, tool: str = "Edit", call: str = "1") -> Answer:
        answer = self.tool("PreToolUse", tool, call)
        assert answer.status == 200
        return answer

    def finish(self, tool: str = "Edit", call: str = "1") -> None:
        assert self.tool("PostToolUse", tool, call).body == b""

    def edit(self, content: str = "") -> None:
        """An edit from its beginning to its end, whatever is said of it."""
        self.begin()
        Path(self.path).write_text(content or uuid4().hex)
        self.finish()

    @property
    def document(self) -> Any:
        return self.daemon.request("GET", f"/api/v1/sessions/{self.id}").json()


def leases(daemon: Sandbox, path: object = None) -> Any:
    query = "" if path is None else f"?path={quote(str(path))}"
    answer = daemon.request("GET", f"/api/v1/leases{query}")
    assert answer.status == 200
    return answer.json()
