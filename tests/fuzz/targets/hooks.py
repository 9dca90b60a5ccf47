"""Claude Code's events, one after the other, through the daemon's own handlers."""

from __future__ import annotations

from cco.claude.bridge import EVENTS
from tests.fuzz import books
from tests.fuzz.in_process import AGENT_NAMES, Daemon, in_loop
from tests.fuzz.script import play

WORDS = (
    *EVENTS,
    *(f"cco:{name}" for name in AGENT_NAMES),
    *"""
    POST /hooks/ StatusLine X-CCO-Launch: X-CCO-Budget:
    session_id cwd prompt source startup resume clear compact model reason agent_id agent_type
    tool_name tool_input tool_use_id tool_response file_path notebook_path command error
    is_interrupt description agentId resolvedModel plan filePath answers todos content status
    task subject taskId id pending completed deleted last_assistant_message compact_summary
    context_window used_percentage cost total_cost_usd
    Agent Task Workflow Bash Edit Write Read NotebookEdit MultiEdit AskUserQuestion ExitPlanMode
    TaskCreate TaskUpdate TodoWrite mcp__cco__note /tmp/a
    """.split(),
    "cco budget set 5",
    "<task-notification>",
    "/compact now",
)


@in_loop
def run(data: bytes) -> None:
    """Play the events, and look at everything that came of them."""
    mode = ("warn", "deny", "off")[len(data) % 3]
    daemon = Daemon(conflicts=mode, day_nanousd=1_000_000_000)
    for path, _, answer in play(daemon, data, "/hooks/"):
        if path.endswith("/StatusLine") and answer.status == 200:
            line = answer.body.decode()
            assert line.isprintable()
            assert line.startswith("cco · $")
    books.check(daemon)
