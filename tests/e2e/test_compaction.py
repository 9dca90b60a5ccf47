"""Compactions in the real client: rules and work come back, however often; briefs, too."""

from __future__ import annotations

from collections.abc import Sequence

from cco.catalogue.markdown import load_markdown
from cco.catalogue.model import INJECTION_LIMIT_CHARS
from cco.claude import versions
from cco.demo.model_api import Block, ModelRequest, Usage, claimed_usage, text, tool_use
from cco.demo.scenario import specialist_of
from tests.e2e.conftest import MakeStage, Stage

CATALOGUE = load_markdown()
SUMMARY = "A summary that says nothing."
GOAL = "Make the import idempotent."
CHANGE = "Keep the old column, the reports read it."
FAILURE = "sh -c 'echo 3 tests failed; exit 1'"
TASKS = {"CLAUDE_CODE_ENABLE_TASKS": "1", "CLAUDE_CODE_ENABLE_TODO_TOOLS": "1"}


class Work:
    """A session of two stretches: each edits a file and asks a specialist."""

    def __init__(self) -> None:
        self.scene: Stage | None = None

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        if request.is_compaction:
            return [text(f"<summary>{SUMMARY}</summary>")]
        specialist = specialist_of(request)
        if specialist is not None:
            return [text(f"{specialist} found line 40 at fault.")]
        assert self.scene is not None
        asked = request.last_user_text
        if asked.endswith(GOAL):
            return [
                self._write("first.sql"),
                tool_use("Bash", {"command": FAILURE, "description": "Test"}),
                tool_use("TaskCreate", {"subject": "Drop the index", "description": "Later"}),
                self._ask("database-engineer"),
            ]
        if asked.endswith(CHANGE):
            return [self._write("second.sql"), self._ask("test-engineer")]
        return [text("Noted.")]

    def _write(self, name: str) -> Block:
        assert self.scene is not None
        path = self.scene.sandbox.project / name
        return tool_use("Write", {"file_path": str(path), "content": "select 1;"})

    def _ask(self, name: str) -> Block:
        task = {"description": f"ask {name}", "prompt": "Look.", "subagent_type": f"cco:{name}"}
        return tool_use("Agent", task)


def told_after_compaction(request: ModelRequest) -> str:
    """What a session was told after a compaction: from its first line to the end of the rules."""
    opening = CATALOGUE.post_compact.splitlines()[0]
    _, found, rest = request.conversation_text.partition(opening)
    told, ended, later = rest.partition(CATALOGUE.rules)
    assert found
    assert ended
    assert opening not in later
    assert CATALOGUE.rules not in later
    return found + told + ended


def test_two_compactions_of_one_session_lose_nothing(one_stage: MakeStage) -> None:
    work = Work()
    scene = work.scene = one_stage(work)
    allowed = ("--permission-mode", "acceptEdits", "--allowedTools", "Bash(sh:*)")
    session_id = str(scene.ask("-p", GOAL, *allowed, **TASKS)["session_id"])
    resumed = ("--resume", session_id, *allowed)
    scene.run("-p", "/compact", *resumed, **TASKS)
    scene.ask("-p", CHANGE, *resumed, **TASKS)
    scene.run("-p", "/compact", *resumed, **TASKS)
    scene.ask("-p", "Where do we stand?", *resumed, **TASKS)

    first, second = [one for one in scene.requests if one.is_compaction]
    keep = CATALOGUE.pre_compact.partition("$state")[0].rstrip()
    for summary in (first, second):
        for line in keep.splitlines():
            assert line in summary.last_user_text
    assert CHANGE not in first.last_user_text
    assert "second.sql" in second.last_user_text

    after_first = next(one for one in scene.requests if CHANGE in one.last_user_text)
    after_second = scene.requests[-1]
    for request in (after_first, after_second):
        assert SUMMARY in request.conversation_text
        told = told_after_compaction(request)
        assert len(told) <= INJECTION_LIMIT_CHARS
        for fact in (GOAL, "first.sql", "3 tests failed", "database-engineer found line 40"):
            assert fact in told, fact
    for fact in (CHANGE, "second.sql", "test-engineer found line 40"):
        assert fact not in told_after_compaction(after_first)
        assert fact in told_after_compaction(after_second)
    assert "Drop the index (pending)" in told_after_compaction(after_second)
    (session,) = scene.json("sessions")["sessions"]
    assert session["compactions"] == 2


class Endless:
    """A specialist whose conversation outgrows its window once, while it works."""

    name = "rust-engineer"

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        if request.is_compaction:
            return [text(f"<summary>{SUMMARY}</summary>")]
        if specialist_of(request) is None:
            if request.tool_results():
                return [text("Waiting.")]
            task = {"subagent_type": f"cco:{self.name}", "description": "port", "prompt": "Port."}
            return [tool_use("Agent", task)]
        if SUMMARY in request.conversation_text or len(request.tool_results()) > 3:
            return [text("Ported.")]
        number = len(request.tool_results())
        command = f"echo {number}; yes 'a line of output' | head -n 400"
        return [tool_use("Bash", {"command": command, "description": "Look"})]

    def usage(self, request: ModelRequest) -> Usage:
        if specialist_of(request) and len(request.tool_results()) >= 2:
            return Usage(input_tokens=2_000_000, output_tokens=10)
        return claimed_usage(request)


def test_a_specialist_keeps_its_brief_through_its_own_compaction(one_stage: MakeStage) -> None:
    script = Endless()
    scene = one_stage(script)
    scene.model.usage_of = script.usage
    scene.ask("-p", "Port it.", "--allowedTools", "Bash(*)")

    brief = CATALOGUE.agent(script.name).brief
    theirs = [one for one in scene.requests if specialist_of(one) == script.name]
    (summary,) = [one for one in theirs if one.is_compaction]
    told = scene.can(versions.AGENT_IN_COMPACTION)  # whose conversation it is
    pre_compact = CATALOGUE.agent_pre_compact if told else CATALOGUE.pre_compact
    assert pre_compact.splitlines()[0] in summary.last_user_text
    after = [one for one in theirs if one.number > summary.number]
    assert after
    for request in after:
        said = request.conversation_text
        assert SUMMARY in said
        assert said.count(brief) == 1
        assert CATALOGUE.agent_post_compact.splitlines()[0] in said
        assert CATALOGUE.rules not in said
    (session,) = scene.json("sessions")["sessions"]
    assert session["compactions"] == 0
    assert [run["name"] for run in session["agents"]] == [script.name]
