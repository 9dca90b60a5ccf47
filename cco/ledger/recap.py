"""Where a session stands, in words: for the summary of a compaction, and for what follows it."""

from __future__ import annotations

from collections.abc import Iterator

from cco.ledger.records import AgentRun, Session

_MAX_AGENTS = 20
_MAX_FILES = 25


def recap(session: Session, limit_chars: int) -> str:
    """Describe a session's state within a limit; later lines give way first."""
    lines: list[str] = []
    room = limit_chars
    for line in _lines(session):
        if len(line) + 1 > room:
            break
        lines.append(line)
        room -= len(line) + 1
    return "\n".join(lines)


def _lines(session: Session) -> Iterator[str]:
    if session.request_opening:
        yield f"- The latest request began: “{_one_line(session.request_opening)}”"
    runs = list(session.agents.values())
    running = [run for run in runs if run.status == "running"]
    ended = [run for run in runs if run.status != "running"]
    yield f"- Specialists still working: {len(running)}; ended: {len(ended)}."
    for run in [*running, *reversed(ended)][:_MAX_AGENTS]:
        yield f"  - {_describe(run)}"
    if session.edited:
        yield f"- Files edited in this session: {len(session.edited)}, the latest first:"
        for path, editor in list(reversed(session.edited.items()))[:_MAX_FILES]:
            yield f"  - {_one_line(path)} (by {_one_line(editor)})"
    else:
        yield "- No file was edited in this session through the edit tools."


def _describe(run: AgentRun) -> str:
    task = f": “{_one_line(run.description)}”" if run.description else ""
    name = _one_line(run.name or "an agent")
    return f"{name} ({run.status}, {run.tool_calls} tool calls){task}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
