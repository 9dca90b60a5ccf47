"""Any events that a ledger may hear of, for few sessions, agents and notes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

from cco.errors import NotFound
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord, MetricPoint
from tests.unit.told import Event, hook


def call(**attributes: Any) -> Event:
    told = {name.replace("__", "."): value for name, value in attributes.items()}
    return lambda ledger: ledger.record_log(LogRecord("api_request", told))


def active(session_id: str, seconds: float) -> Event:
    metric = "claude_code.active_time.total"
    point = MetricPoint(metric, seconds, {"session.id": session_id})
    return lambda ledger: ledger.record_metric(point)


def note(project: str, text: str) -> Event:
    return lambda ledger: ledger.notes.add(text, project=project, author="ana")


def forget_note(number: int) -> Event:
    def forget(ledger: Ledger) -> None:
        with suppress(NotFound):
            ledger.notes.remove(str(number))

    return forget


def conflict(session_id: str) -> Event:
    """An edit is about to be made that might undo another's."""

    def warn(ledger: Ledger) -> None:
        session = ledger.record_hook("PreToolUse", {"session_id": session_id})
        assert session is not None
        session.conflicts += 1

    return warn


SESSION_IDS = ["s", "t", "u", "v", "w", "\ud83d"]
SESSIONS = st.sampled_from(SESSION_IDS)
AGENTS = st.sampled_from(list("abcdefgh"))
WORDS = st.sampled_from(["add a cache", "Füge “Worte” an\n", "\udcff\0", "日本語"])
SPECIALISTS = st.sampled_from(["cco:debugger", "cco:test-engineer", "Explore"])
EVENTS = st.one_of(
    st.builds(lambda s, w: hook("SessionStart", session_id=s, cwd=w), SESSIONS, WORDS),
    st.builds(lambda s, w: hook("UserPromptSubmit", session_id=s, prompt=w), SESSIONS, WORDS),
    st.builds(
        lambda event, s, a, name, w: hook(
            event, session_id=s, agent_id=a, agent_type=name, last_assistant_message=w
        ),
        st.sampled_from(["SubagentStart", "SubagentStop"]), SESSIONS, AGENTS, SPECIALISTS, WORDS,
    ),
    st.builds(
        lambda s, a, tool, w: hook(
            "PostToolUse", session_id=s, agent_id=a, tool_name=tool,
            tool_input={"file_path": w, "todos": [{"content": w}], "answers": {w: w}},
        ),
        SESSIONS, st.one_of(st.none(), AGENTS),
        st.sampled_from(["Edit", "TodoWrite", "AskUserQuestion", "Read"]), WORDS,
    ),
    st.builds(
        lambda s: hook(
            "PostToolUse", session_id=s, tool_name="TodoWrite", tool_input={"todos": []}
        ),
        SESSIONS,
    ),
    st.builds(lambda s: hook("PostCompact", session_id=s), SESSIONS),
    st.builds(conflict, SESSIONS),
    st.builds(lambda s: hook("SessionEnd", session_id=s), SESSIONS),
    st.builds(active, SESSIONS, st.floats(0, 1e6)),
    st.builds(
        lambda s, a, n, cost, model: call(
            session__id=s, agent_id=a, event__sequence=n, cost_usd=cost, model=model, input_tokens=n
        ),
        SESSIONS, st.one_of(st.none(), AGENTS), st.integers(0, 40),
        st.decimals(0, 100, places=9).map(str), st.sampled_from(["opus", "haiku"]),
    ),
    st.builds(note, WORDS, WORDS),
    st.builds(forget_note, st.integers(1, 6)),
)  # fmt: skip
