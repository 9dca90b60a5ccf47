"""Long texts are answered: where time grew with the square of a length, these would take hours.

No time is asserted; what hangs is ended by the time-out of the test run. The daemon answers
everybody from one thread, so that one long command would hold up all sessions.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.fuzz.in_process import Daemon

CHARS = 400_000
PIECES = [";/", "\n", "(", "a;/b", " ", "/", "cco ", "cco budget ", "a.", "aB", "$", "[", "\u0130"]


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_text_anywhere_in_a_payload(piece: str) -> None:
    text = (piece * CHARS)[:CHARS]
    tool: dict[str, Any] = {"tool_name": "Bash", "tool_input": {"command": text}, "error": text}
    agent = {"agent_id": "a", "agent_type": "cco:debugger", "last_assistant_message": text}
    daemon = Daemon()
    for event, more in (
        ("SessionStart", {"source": "startup", "cwd": text}),
        ("UserPromptSubmit", {"prompt": text}),
        ("PreToolUse", tool),
        ("PostToolUseFailure", tool),
        ("PreToolUse", {"tool_name": "Edit", "tool_input": {"file_path": f"/{text}"}}),
        ("SubagentStop", agent),
        ("PreCompact", {}),
    ):
        answer = daemon.json("POST", f"/hooks/{event}", {"session_id": "s", **more})
        assert answer.status == 200
    accept = text[:60_000].encode("unicode_escape").decode()
    answer = daemon.request("GET", "/metrics", headers={"Accept": accept})
    assert answer.status == 200
