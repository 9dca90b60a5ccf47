"""What a session was about, in a few words each: what a compaction must not lose.

The only place where words of a session are kept: bounded, never in the API, on disk only sealed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

OPENING_CHARS = 400
MAX_REQUESTS = 6
MAX_DECISIONS = 12
MAX_TASKS = 60
MAX_FAILURES = 8
MAX_EDITED_FILES = 200
MAX_REPORTS = 40
_PATH_CHARS = 1_000
_LINE_CHARS = 300
_EDITING_TOOLS = frozenset(("Edit", "Write", "NotebookEdit", "MultiEdit"))
_NOT_A_REQUEST = re.compile(r"<(task-notification|local-command|command-)|/[a-z][\w:-]*( |$)")
_REPORT = re.compile(r"\s*<task-notification")
_DONE = frozenset(("completed", "deleted"))

_V = TypeVar("_V")


def is_report(prompt: object) -> bool:
    """Whether nobody typed a prompt: with one the client tells of what ran in the background."""
    return isinstance(prompt, str) and _REPORT.match(prompt) is not None


@dataclass(slots=True)
class Task:
    """One entry of the session's own task list."""

    subject: str
    status: str = "pending"


@dataclass(slots=True)
class Memory:
    """The words of one session that outlive its compactions."""

    first_request: str = ""
    latest_requests: list[str] = field(default_factory=list)
    plan: str = ""
    """How the last approved plan began."""
    plan_file: str = ""
    decisions: dict[str, str] = field(default_factory=dict)
    """What the user was asked, and what they answered."""
    tasks: dict[str, Task] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    """Commands whose last run failed, with the end of what they said."""
    edited: dict[str, str] = field(default_factory=dict)
    """Files changed through the edit tools, the latest last, and by whom."""
    reports: dict[str, str] = field(default_factory=dict)
    """The opening of what each run of a specialist returned, by agent id."""

    def note_request(self, prompt: object) -> None:
        """Keep a prompt of the user's; what the client says by itself is none."""
        opening = one_line(prompt, OPENING_CHARS)
        if not opening or _NOT_A_REQUEST.match(opening):
            return
        if not self.first_request:
            self.first_request = opening
            return
        self.latest_requests.append(opening)
        del self.latest_requests[:-MAX_REQUESTS]

    def note_report(self, agent_id: str, words: object) -> None:
        """Keep the opening of a specialist's last message."""
        _put(self.reports, agent_id, one_line(words, OPENING_CHARS), MAX_REPORTS)

    def note_tool(self, tool: str, payload: Mapping[str, Any], who: str) -> None:
        """Take from a tool call that succeeded what must be remembered of it."""
        tool_input = _mapping(payload.get("tool_input"))
        response = _mapping(payload.get("tool_response"))
        if tool in _EDITING_TOOLS:
            path = tool_input.get("file_path") or tool_input.get("notebook_path")
            if isinstance(path, str) and path:
                _put(self.edited, path[:_PATH_CHARS], who, MAX_EDITED_FILES)
        elif tool == "Bash":
            self.failing.pop(one_line(tool_input.get("command"), _LINE_CHARS), None)
        elif tool == "ExitPlanMode":
            self.plan = one_line(response.get("plan") or tool_input.get("plan"), OPENING_CHARS)
            self.plan_file = one_line(response.get("filePath"), _PATH_CHARS)
        elif tool == "AskUserQuestion":
            answers = response.get("answers") or tool_input.get("answers")
            for question, answer in _mapping(answers).items():
                told = one_line(answer, _LINE_CHARS)
                if told:
                    _put(self.decisions, one_line(question, _LINE_CHARS), told, MAX_DECISIONS)
        else:
            self._note_tasks(tool, tool_input, response)

    def _note_tasks(
        self, tool: str, tool_input: Mapping[str, Any], response: Mapping[str, Any]
    ) -> None:
        if tool == "TodoWrite":
            todos = tool_input.get("todos")
            self.tasks.clear()
            for number, todo in enumerate(todos[:MAX_TASKS] if isinstance(todos, list) else []):
                self._note_task(str(number), _mapping(todo), "content")
        elif tool == "TaskCreate":
            task = _mapping(response.get("task"))
            self._note_task(one_line(task.get("id"), _LINE_CHARS), task, "subject")
        elif tool == "TaskUpdate":
            self._note_task(one_line(tool_input.get("taskId"), _LINE_CHARS), tool_input, "subject")

    def _note_task(self, task_id: str, entry: Mapping[str, Any], text: str) -> None:
        known = self.tasks.get(task_id)
        subject = one_line(entry.get(text), _LINE_CHARS) or (known.subject if known else "")
        status = one_line(entry.get("status"), _LINE_CHARS)
        if status in _DONE:
            self.tasks.pop(task_id, None)
        elif task_id and subject:
            now = status or (known.status if known else "pending")
            self.tasks[task_id] = Task(subject, now)
            _trim(self.tasks, MAX_TASKS)

    def note_failure(self, tool: str, payload: Mapping[str, Any]) -> None:
        """Keep the end of what a failed command said; its next success forgets it."""
        command = one_line(_mapping(payload.get("tool_input")).get("command"), _LINE_CHARS)
        error = payload.get("error")
        if (
            tool == "Bash"
            and command
            and isinstance(error, str)
            and not payload.get("is_interrupt")
        ):
            said = one_line(error[-4 * _LINE_CHARS :], 4 * _LINE_CHARS)[-_LINE_CHARS:]
            _put(self.failing, command, said, MAX_FAILURES)


def one_line(value: object, limit_chars: int) -> str:
    """The opening of a text as one line; nothing for what is no text."""
    return (
        " ".join(value[: 4 * limit_chars].split())[:limit_chars] if isinstance(value, str) else ""
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _put(entries: dict[str, _V], key: str, value: _V, limit: int) -> None:
    """Make an entry the latest, and let the oldest go where there are too many."""
    entries.pop(key, None)
    entries[key] = value
    _trim(entries, limit)


def _trim(entries: dict[str, _V], limit: int) -> None:
    while len(entries) > limit:
        del entries[next(iter(entries))]
