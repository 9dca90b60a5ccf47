"""Every event of Claude Code's with fields of the right names and of any kind."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cco.claude.bridge import EVENTS
from cco.daemon.hooks.handler import STATUS_LINE
from tests.fuzz import books
from tests.fuzz.in_process import AGENT_NAMES, Daemon
from tests.fuzz.script import check_answer
from tests.vectors.drawn import JSON_VALUES

TOOLS = st.sampled_from(
    "Agent Task Workflow Bash Edit Write Read NotebookEdit MultiEdit AskUserQuestion ExitPlanMode "
    "TaskCreate TaskUpdate TodoWrite mcp__cco__note".split()
)
WORDS = st.sampled_from(
    [
        *("add a cache to the react app", "/compact", "<task-notification>x", "$state ${x}"),
        *("cco budget set 5", "cd a && cco budget set 1 --day", "x" * 3_000),
        *("\ud83d", "\x1b[31m", "a\u2028b\x85c\r\nd"),
    ]
)
INNER = st.dictionaries(
    st.sampled_from(
        "file_path notebook_path command description plan answers todos taskId task subject status "
        "agentId resolvedModel filePath content id".split()
    ),
    WORDS
    | JSON_VALUES
    | st.sampled_from(["/tmp/a", "a", "completed", {"a": "b"}, [{"content": "c"}]]),
    max_size=4,
)  # fmt: skip
AGENTS = st.sampled_from([f"cco:{name}" for name in AGENT_NAMES]) | st.sampled_from(
    ["cco:nobody", "Explore", "cco:", "x" * 500]
)
PAYLOADS = st.fixed_dictionaries(
    {"session_id": st.sampled_from(["s", "t", "\udcff"])},
    optional={
        "cwd": st.just("/tmp") | WORDS | JSON_VALUES,
        "prompt": WORDS | JSON_VALUES,
        "source": st.sampled_from(["startup", "resume", "compact"]) | JSON_VALUES,
        "model": WORDS | JSON_VALUES,
        "reason": st.sampled_from(["clear", "other"]) | JSON_VALUES,
        "agent_id": st.sampled_from(["a", "b"]) | JSON_VALUES,
        "agent_type": AGENTS | JSON_VALUES,
        "tool_name": TOOLS | JSON_VALUES,
        "tool_use_id": st.sampled_from(["1", "2"]) | JSON_VALUES,
        "tool_input": INNER | JSON_VALUES,
        "tool_response": INNER | JSON_VALUES,
        "error": WORDS | JSON_VALUES,
        "is_interrupt": st.booleans() | JSON_VALUES,
        "last_assistant_message": WORDS | JSON_VALUES,
        "context_window": st.dictionaries(st.just("used_percentage"), JSON_VALUES) | JSON_VALUES,
        "cost": st.dictionaries(st.just("total_cost_usd"), JSON_VALUES | st.floats(0, 9)),
    },
)


@pytest.mark.parametrize("event", [*EVENTS, STATUS_LINE])
@settings(max_examples=12)
@given(st.lists(PAYLOADS, min_size=1, max_size=3), st.sampled_from(["warn", "deny"]))
def test_any_payloads_of_an_event(
    event: str, payloads: list[dict[str, Any]], conflicts: str
) -> None:
    """Each is answered as it may be, and what came of them can be read and written down."""
    daemon = Daemon(conflicts=conflicts, day_nanousd=5_000_000_000)
    for payload in payloads:
        body = json.dumps(payload).replace("Infinity", "1e999").encode()
        for one in ("PreToolUse", event):
            answer = daemon.request("POST", f"/hooks/{one}", body)
            assert answer.status == HTTPStatus.OK, answer
            check_answer(answer)
    books.check(daemon)
