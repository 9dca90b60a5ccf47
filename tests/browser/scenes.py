"""Work for the dashboard to show, as the hooks and the telemetry of real sessions tell it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.conftest import Sandbox
from tests.integration.test_http_hooks import send_logs

OPUS, SONNET, HAIKU = "claude-opus-4-8", "claude-sonnet-4-7", "claude-haiku-4-6"


def call(
    place: Sandbox,
    session_id: str,
    sequence: int,
    usd: float,
    *,
    model: str = SONNET,
    agent_id: str = "",
) -> None:
    """One model call in the telemetry."""
    more = {"agent_id": agent_id} if agent_id else {}
    record: dict[str, Any] = {
        "event__name": "api_request",
        "session__id": session_id,
        "event__sequence": sequence,
        "event__timestamp": datetime.now(UTC).isoformat(),
        "model": model,
        "input_tokens": 1_200 + 10 * sequence,
        "output_tokens": 300 + sequence,
        "cache_read_tokens": 18_000,
        "cache_creation_tokens": 900,
        "cost_usd": usd,
        "duration_ms": 2_100,
        **more,
    }
    send_logs(place, record)


def start_agent(
    place: Sandbox, session_id: str, agent_id: str, name: str, task: str, *, parent: str = ""
) -> None:
    """An agent that begins, told of as the client does: its start, then the dispatch's answer."""
    by = {"agent_id": parent} if parent else {}
    place.hook("SubagentStart", session_id, agent_id=agent_id, agent_type=f"cco:{name}")
    place.hook(
        "PostToolUse",
        session_id,
        tool_name="Agent",
        tool_input={"description": task, "prompt": "…"},
        tool_response={"agentId": agent_id},
        **by,
    )


def team(place: Sandbox, session_id: str, project: str) -> None:
    """A session with a lead that has helpers of its own, one of them done."""
    place.hook("SessionStart", session_id, source="startup", cwd=project, model=OPUS)
    place.hook("UserPromptSubmit", session_id, cwd=project, prompt="Make the checkout faster")
    call(place, session_id, 1, 0.041250, model=OPUS)
    start_agent(
        place, session_id, f"{session_id}-lead", "performance-engineer", "find what is slow"
    )
    call(place, session_id, 2, 0.018, model=OPUS, agent_id=f"{session_id}-lead")
    start_agent(
        place, session_id, f"{session_id}-db", "database-engineer", "look at the slow queries",
        parent=f"{session_id}-lead",
    )  # fmt: skip
    start_agent(
        place, session_id, f"{session_id}-css", "css-engineer", "measure the first paint",
        parent=f"{session_id}-lead",
    )  # fmt: skip
    start_agent(place, session_id, f"{session_id}-test", "test-engineer", "write a benchmark")
    for number, helper in enumerate(("db", "css", "test", "db", "test")):
        agent = f"{session_id}-{helper}"
        model = HAIKU if helper == "css" else SONNET
        place.hook("PostToolUse", session_id, tool_name="Read", agent_id=agent, tool_input={})
        call(place, session_id, 3 + number, 0.0034 + number / 1_000, model=model, agent_id=agent)
    place.hook(
        "PostToolUseFailure", session_id, tool_name="Bash", tool_input={"command": "false"},
        error="exit 1",
    )  # fmt: skip
    place.hook(
        "SubagentStop", session_id, agent_id=f"{session_id}-css", agent_type="cco:css-engineer",
        last_assistant_message="The first paint takes 1.2 s.",
    )  # fmt: skip


def meeting(place: Sandbox, session_id: str, project: str) -> None:
    """Two agents on one file, a note, and a budget that is nearly used up."""
    file = {"tool_name": "Edit", "tool_input": {"file_path": f"{project}/cart.py"}, "cwd": project}
    for helper in ("db", "test"):
        agent = {
            "agent_id": f"{session_id}-{helper}",
            "agent_type": f"cco:{'sql' if helper == 'db' else helper}-engineer",
        }
        place.hook("PreToolUse", session_id, **agent, **file, tool_use_id=f"edit-{helper}")
    note = {
        "text": "The cart total is computed twice: once in cart.py, once in the template.",
        "project": project,
        "author": "database-engineer",
        "path": "cart.py",
    }
    assert place.request("POST", "/api/v1/notes", note).status == 201
    place.ok("budget", "set", "0.10", "--session", session_id)
