"""Where a session stands, in words: for the summary of a compaction, and for what follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from cco.ledger.memory import Memory
from cco.ledger.records import AgentRun, Session

_SCALES = (1.0, 0.6, 0.35, 0.2, 0.1)
"""How much of each part is told; the first at which the whole fits is taken."""


def recap(session: Session, limit_chars: int) -> str:
    """Describe a session's state within a limit: long parts shrink before any is left out."""
    text = ""
    for scale in _SCALES:
        text = "\n".join(_lines(session, scale))
        if len(text) <= limit_chars:
            return text
    return _cut(text, limit_chars)


def agent_recap(session: Session, agent_id: str, limit_chars: int) -> str:
    """Describe what one specialist was asked and did, within a limit."""
    return _cut("\n".join(_agent_lines(session, agent_id)), limit_chars)


def _cut(text: str, limit_chars: int) -> str:
    """The opening of a text, ending with a whole line."""
    if len(text) <= limit_chars:
        return text
    return text[: max(text.rfind("\n", 0, limit_chars + 1), 0)]


def _lines(session: Session, scale: float) -> Iterator[str]:
    memory = session.memory

    def count(most: int) -> int:
        return max(round(most * scale), 1)

    def short(text: str, most: int = 300) -> str:
        limit = max(round(most * scale), 40)
        line = " ".join(text.split())
        return line if len(line) <= limit else line[: limit - 1] + "…"

    yield from _goal_lines(memory, count, short)
    yield from _agents_lines(session, count, short)
    if memory.failing:
        yield f"- Commands whose last run failed: {len(memory.failing)}"
        for command, said in islice(reversed(memory.failing.items()), count(8)):
            yield f"  - `{short(command, 160)}`: “{short(said)}”"
    if memory.edited:
        yield f"- Files edited in this session: {len(memory.edited)}, the latest first:"
        for path, editor in islice(reversed(memory.edited.items()), count(25)):
            yield f"  - {' '.join(path.split())} (by {' '.join(editor.split())})"
    else:
        yield "- No file was edited in this session through the edit tools."


def _goal_lines(
    memory: Memory, count: Callable[[int], int], short: Callable[..., str]
) -> Iterator[str]:
    if memory.first_request:
        yield f"- The first request began: “{short(memory.first_request, 400)}”"
    for request in memory.latest_requests[-count(6) :]:
        yield f"- Then the user said: “{short(request, 400)}”"
    if memory.plan or memory.plan_file:
        began = f", began “{short(memory.plan, 400)}”" if memory.plan else ""
        kept = f", is in {' '.join(memory.plan_file.split())}" if memory.plan_file else ""
        yield f"- The plan that the user approved{kept}{began}"
    for question, answer in islice(reversed(memory.decisions.items()), count(12)):
        yield f"- Asked “{short(question, 200)}”, the user answered “{short(answer, 200)}”"
    tasks = memory.tasks.values()
    if tasks:
        yield f"- Open tasks: {len(tasks)}"
        for task in islice(tasks, count(20)):
            yield f"  - {short(task.subject, 160)} ({short(task.status, 40)})"


def _agents_lines(
    session: Session, count: Callable[[int], int], short: Callable[..., str]
) -> Iterator[str]:
    runs = list(session.agents.values())
    running = [run for run in runs if run.status == "running"]
    ended = [run for run in runs if run.status != "running"]
    yield f"- Specialists still working: {len(running)}; ended: {len(ended)}."
    for run in [*running[: count(20)], *islice(reversed(ended), count(12))]:
        report = session.memory.reports.get(run.agent_id, "")
        returned = f"; returned “{short(report)}”" if report else ""
        yield f"  - {_describe(run)}{returned}"


def _describe(run: AgentRun) -> str:
    task = f": “{' '.join(run.description.split())}”" if run.description else ""
    name = " ".join((run.name or "an agent").split())
    return f"{name} ({run.status}, {run.tool_calls} tool calls){task}"


def _agent_lines(session: Session, agent_id: str) -> Iterable[str]:
    run = session.agents.get(agent_id)
    if run is None:
        return
    if run.description:
        yield f"- The task, in a few words: “{' '.join(run.description.split())}”"
    mine = [path for path, who in session.memory.edited.items() if who == run.name]
    for path in reversed(mine):
        yield f"- Edited by this role: {' '.join(path.split())}"
