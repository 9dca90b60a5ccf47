"""Join hooks and telemetry into sessions and agents, whatever order they come in."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cco.errors import NotFound
from cco.ledger.call import failure_of, usage_of
from cco.ledger.changes import Changes
from cco.ledger.feed import Feed
from cco.ledger.memory import Memory, is_report
from cco.ledger.notes import Notes
from cco.ledger.otlp import LogRecord, MetricPoint
from cco.ledger.payload import ID_CHARS, NAME_CHARS, opening
from cco.ledger.records import LARGEST, UNKNOWN_MODEL, AgentRun, Session, Usage, finite
from cco.ledger.seen import Seen
from cco.ledger.totals import Totals, totals_of
from cco.ledger.waiting import Change

MAX_SESSIONS = 1_000
MAX_AGENTS = 5_000
MAX_AGENTS_PER_SESSION = 1_000
MAX_REMEMBERED = 100
"""Sessions of which more than figures is kept: those seen last."""
MAX_MODELS_PER_SESSION = 50
MAX_HOURS_PER_SESSION = 240
_NO_WORDS = Memory()
_OURS = "ours"
_FOLD_SHARE = 10
"""Of runs that are too many, a tenth of the bound goes at once."""
_HOUR_S = 3_600
_VERSION_CHARS = 40
_PATH_CHARS = 1_000
_AGENT_TOOLS = frozenset(("Agent", "Task"))
_TASK_TOOLS = frozenset(
    ("AskUserQuestion", "ExitPlanMode", "TaskCreate", "TaskUpdate", "TodoWrite")
)
"""What these say counts for the session only when the session itself says it."""
_AFTER_THE_END = frozenset(("PermissionRequest", "SessionEnd", "StatusLine", "SubagentStop"))
_GOES_ON = frozenset(("clear", "resume"))
"""Reasons of SessionEnd after which the same client process goes on with another session."""


class Ledger:
    """Sessions in memory, the oldest ended ones folded into totals."""

    def __init__(self, clock: Callable[[], float] = time.time, feed: Feed | None = None) -> None:
        self._clock = clock
        self.feed = Feed(clock) if feed is None else feed
        self.notes = Notes(clock, self.feed)
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._agents = 0
        self.seen = Seen()
        self.changes = Changes()
        self.folded = Totals()
        """Our sessions that were too many to keep."""
        self.folded_foreign = Totals()
        """Others that were too many to keep."""

    # --- reading ---

    def sessions(self) -> list[Session]:
        """All sessions, the most recently seen first."""
        return sorted(self._sessions.values(), key=lambda one: one.last_seen_at, reverse=True)

    def session(self, session_id: str) -> Session:
        """Raises: NotFound."""
        try:
            return self._sessions[session_id]
        except KeyError:
            raise NotFound(f"no session {session_id!r}", advice="Run: cco sessions") from None

    def get(self, session_id: str) -> Session | None:
        """A session; None where it is not kept."""
        return self._sessions.get(session_id)

    # --- hooks ---

    def record_hook(
        self, event: str, payload: Mapping[str, Any], launch_id: str | None = None
    ) -> Session | None:
        """Take in one hook payload; one without a session id says nothing."""
        session_id = opening(payload.get("session_id"), ID_CHARS)
        if not session_id:
            return None
        session = self._session(session_id)
        moved = event == "SessionStart" and payload.get("source") == "resume"
        if moved or not session.project:  # not wherever the session goes in between
            session.project = opening(payload.get("cwd"), _PATH_CHARS) or session.project
        session.launch_id = launch_id or session.launch_id
        session.orchestrated = True
        if event not in _AFTER_THE_END:
            session.ended_at = None
        if session.ended_at is None:
            self._tell_waits(session, session.waits.hear(event, payload, session.last_seen_at))
        handler = getattr(self, f"_on_{event}", None)
        if handler is not None:
            handler(session, payload)
        return session

    def is_last_of_launch(self, session: Session, reason: object) -> bool:
        """Whether nothing of the launch that this session came from goes on."""
        goes_on = isinstance(reason, str) and reason in _GOES_ON
        alive = (one for one in self._sessions.values() if one.ended_at is None)
        return not goes_on and not any(one.launch_id == session.launch_id for one in alive)

    def _on_SessionStart(self, session: Session, payload: Mapping[str, Any]) -> None:
        session.model = opening(payload.get("model"), NAME_CHARS) or session.model
        source = opening(payload.get("source"), NAME_CHARS)
        self._tell("session.started", session, source=source, project=session.project)

    def _on_UserPromptSubmit(self, session: Session, payload: Mapping[str, Any]) -> None:
        if not is_report(payload.get("prompt")):
            session.prompts += 1
            session.memory.note_request(payload.get("prompt"))
            self._tell("prompt", session, number=session.prompts)

    def _on_PostToolUse(self, session: Session, payload: Mapping[str, Any]) -> None:
        run = self._run(session, payload.get("agent_id"))
        (run or session).tool_calls += 1
        tool = opening(payload.get("tool_name"), NAME_CHARS)
        who = (run.name or "an agent") if run else "the session itself"
        self._tell("tool", session, run, tool=tool, failed=False)
        if tool in _AGENT_TOOLS:
            self._on_dispatch(session, payload, run)
        elif run is None or tool not in _TASK_TOOLS:
            session.memory.note_tool(tool, payload, who)

    def _on_PostToolUseFailure(self, session: Session, payload: Mapping[str, Any]) -> None:
        run = self._run(session, payload.get("agent_id"))
        (run or session).tool_calls += 1
        tool = opening(payload.get("tool_name"), NAME_CHARS)
        self._tell("tool", session, run, tool=tool, failed=True)
        session.memory.note_failure(tool, payload)

    def _on_dispatch(
        self, session: Session, payload: Mapping[str, Any], parent: AgentRun | None
    ) -> None:
        tool_input, response = payload.get("tool_input"), payload.get("tool_response")
        if isinstance(tool_input, Mapping) and isinstance(response, Mapping):
            started = self._run(session, response.get("agentId"))
            if started is not None:
                started.parent_id = None if parent is None else parent.agent_id
                started.description = opening(tool_input.get("description"), NAME_CHARS)
                model = opening(response.get("resolvedModel"), NAME_CHARS)
                started.model = started.model or sys.intern(model) or None

    def _on_SubagentStart(self, session: Session, payload: Mapping[str, Any]) -> None:
        run = self._run(session, payload.get("agent_id"))
        if run is not None:
            run.name = _agent_name(payload.get("agent_type"))
            if run.status == "lost":
                run.status = "running"
                run.ended_at = None
            self._tell("agent.started", session, run)

    def _on_SubagentStop(self, session: Session, payload: Mapping[str, Any]) -> None:
        name = _agent_name(payload.get("agent_type"))
        if name is None:  # the client's own helpers, its summariser among them
            return
        run = self._run(session, payload.get("agent_id"))
        if run is not None:
            run.name = name
            run.status = "done"
            run.ended_at = max(self._clock(), run.started_at)
            words = payload.get("last_assistant_message")
            run.last_words_chars = len(words) if isinstance(words, str) else 0
            session.memory.note_report(run.agent_id, words)
            self._tell("agent.stopped", session, run)

    def _on_PreCompact(self, session: Session, payload: Mapping[str, Any]) -> None:
        if not payload.get("agent_id"):
            session.has_rules_from_compaction = False

    def _on_PostCompact(self, session: Session, payload: Mapping[str, Any]) -> None:
        if payload.get("agent_id"):  # a specialist's own conversation, not the session's
            return
        session.compactions += 1
        self._tell("compaction", session, number=session.compactions)
        session.owes_rules = not session.has_rules_from_compaction

    def _on_SessionEnd(self, session: Session, payload: Mapping[str, Any]) -> None:
        self._end(session, self._clock())
        self._tell("session.ended", session, reason=opening(payload.get("reason"), NAME_CHARS))

    def _on_StatusLine(self, session: Session, payload: Mapping[str, Any]) -> None:
        window = payload.get("context_window")
        if isinstance(window, Mapping):
            session.context_used_percent = finite(window.get("used_percentage"))

    # --- telemetry ---

    def record_log(self, record: LogRecord) -> bool:
        """Take in one OTLP log record, once; returns whether it counts."""
        attributes = record.attributes
        session_id = opening(attributes.get("session.id"), ID_CHARS)
        if record.event == "tool_decision":
            if (asking := self._sessions.get(session_id)) is not None:
                self._tell_waits(asking, asking.waits.hear_decision(attributes.get("tool_use_id")))
            return False
        if not session_id or record.event not in ("api_request", "api_error"):
            return False
        sequence, digest = attributes.get("event.sequence"), None
        if sequence is not None:
            digest = self.seen.add((session_id, attributes.get("event.timestamp"), sequence))
            if digest is None:
                return False
        session = self._session(session_id)
        session.client_version = record.client_version[:_VERSION_CHARS] or session.client_version
        self.changes.session(session_id).seen += digest or b""
        run = self._run(session, attributes.get("agent_id"))
        if record.event == "api_error":
            session.api_errors += 1
            self._tell("call.failed", session, run, **failure_of(attributes))
            return True
        model = self._model(session, record)
        usage = usage_of(attributes)
        if run is None:
            session.own_usage.add(usage)
            session.model = session.model or model
        else:
            run.spend(model, usage)
        session.models.setdefault(model, Usage()).add(usage)
        self._add_hour(session, usage)
        self._tell("call", session, run, model=model, **usage.document())
        return True

    def give_call(self, session_id: str, agent_id: str, record: LogRecord) -> None:
        """Count a call that counts for a session's own as one of its agent's."""
        session = self._sessions.get(session_id)
        run = None if session is None else self._run(session, agent_id)
        if session is not None and run is not None:
            usage = usage_of(record.attributes)
            session.own_usage.subtract(usage)
            run.spend(self._model(session, record), usage)

    def _model(self, session: Session, record: LogRecord) -> str:
        model = sys.intern(opening(record.attributes.get("model"), NAME_CHARS) or UNKNOWN_MODEL)
        is_one_too_many = len(session.models) >= MAX_MODELS_PER_SESSION
        return "others" if model not in session.models and is_one_too_many else model

    def record_metric(self, point: MetricPoint) -> None:
        """Take in one metric point: the session's active time (a delta in seconds)."""
        session_id = opening(point.attributes.get("session.id"), ID_CHARS)
        value = finite(point.value)
        active = point.metric == "claude_code.active_time.total"
        if session_id and active and value is not None and value >= 0:
            session = self._session(session_id)
            session.active_time_s = min(session.active_time_s + value, LARGEST)

    def _add_hour(self, session: Session, usage: Usage) -> None:
        hour = int(self._clock() // _HOUR_S * _HOUR_S)
        if hour not in session.hours and len(session.hours) >= MAX_HOURS_PER_SESSION:
            hour = max(session.hours)
        session.hours.setdefault(hour, Usage()).add(usage)

    def _tell(self, kind: str, session: Session, run: AgentRun | None = None, **data: Any) -> None:
        if run is not None:
            data = {"agent_id": run.agent_id, "agent": run.name, "status": run.status, **data}
        self.feed.publish(kind, session.session_id, **data)

    def _tell_waits(self, session: Session, changes: Iterable[Change]) -> None:
        for kind, wait in changes:
            waited_s = round(max(self._clock() - wait.since, 0.0), 3)
            more = {"waited_s": waited_s} if kind == "answered" else {}
            self._tell(kind, session, self._run(session, wait.agent_id), tool=wait.tool, **more)

    # --- records ---

    def put(self, session: Session) -> None:
        """Take in a session as it was written down."""
        known = self._sessions.get(session.session_id)
        self._agents += len(session.agents) - (0 if known is None else len(known.agents))
        self._sessions[session.session_id] = session

    def put_notes(self, notes: list[Any], last_number: int) -> None:
        """Take in the notes as they were written down."""
        document = {"notes": notes, "last_number": last_number}
        self.notes = Notes.from_document(document, self._clock, self.feed)

    def fold(self, session: Session) -> None:
        """Keep of a session no more than what it brings to the totals."""
        totals = totals_of([session])
        for entry in totals.agents.values():
            entry.running = 0
        self.drop(session.session_id)
        self.sums(session.orchestrated).add(totals)
        digest = self.seen.add((_OURS, session.session_id)) if session.orchestrated else None
        self.changes.fold(session, totals, digest or b"")

    def sums(self, orchestrated: bool) -> Totals:
        """What our sessions, or others, that are no longer kept come to."""
        return self.folded if orchestrated else self.folded_foreign

    def forget_words(self) -> None:
        """Keep the words of those sessions only that are the likeliest to need them again."""
        wordy = [session for session in self._sessions.values() if session.memory != _NO_WORDS]
        for session in sorted(wordy, key=_in_use)[:-MAX_REMEMBERED]:
            session.forget_words()
            self.changes.session(session.session_id)

    def drop(self, session_id: str) -> None:
        """Forget a session."""
        session = self._sessions.pop(session_id, None)
        self._agents -= 0 if session is None else len(session.agents)

    def close(self) -> None:
        """End all sessions: whoever they are, they do not reach us any more."""
        for session in self._sessions.values():
            if session.ended_at is None:
                self.changes.session(session.session_id)
                self._end(session, session.last_seen_at)

    def _end(self, session: Session, now: float) -> None:
        """End a session; a clock that was set back makes no duration negative."""
        session.ended_at = max(now, session.started_at)
        session.waits.clear()
        for run in session.running:
            self.changes.session(session.session_id).runs.add(run.agent_id)
            run.status = "lost"
            run.ended_at = max(now, run.started_at)

    def _session(self, session_id: str) -> Session:
        now = self._clock()
        self.changes.session(session_id)
        session = self._sessions.get(session_id)
        if session is None:
            session = self._sessions[session_id] = Session(session_id, started_at=now)
            session.last_seen_at = now
            session.came_back = (_OURS, session_id) in self.seen
            session.orchestrated = session.came_back
            self._fold_sessions()
        session.last_seen_at = max(now, session.started_at)
        return session

    def _run(self, session: Session, agent_id: object) -> AgentRun | None:
        """The run with an id; telemetry may name one before its start was heard of."""
        key = opening(agent_id, ID_CHARS)
        if not key:
            return None
        run = session.agents.get(key)
        if run is None:
            if len(session.agents) >= MAX_AGENTS_PER_SESSION:
                self._fold_runs(session, MAX_AGENTS_PER_SESSION // _FOLD_SHARE)
            if self._agents >= MAX_AGENTS:
                self._fold_agents()
            run = session.agents[key] = AgentRun(key, started_at=self._clock())
            self._agents += 1
        self.changes.session(session.session_id).runs.add(key)
        return run

    def _fold_sessions(self) -> None:
        """Keep the number of sessions bounded: the longest unseen, ended ones first, fold away."""
        while len(self._sessions) > MAX_SESSIONS:
            self.fold(min(self._sessions.values(), key=_in_use))

    def _fold_agents(self) -> None:
        """Keep the number of runs bounded: those of the longest unseen sessions become sums, those
        that have ended before any that has not."""
        bound = MAX_AGENTS - MAX_AGENTS // _FOLD_SHARE
        oldest_first = sorted(self._sessions.values(), key=lambda one: one.last_seen_at)
        for only_ended in (True, False):
            for session in oldest_first:
                if self._agents <= bound:
                    return
                ended = len(session.agents) - len(session.running)
                most = ended if only_ended else len(session.agents)
                self._fold_runs(session, min(self._agents - bound, most))

    def _fold_runs(self, session: Session, number: int) -> None:
        """Fold the oldest runs of a session, those that have ended before any that has not."""
        runs = sorted(
            session.agents.values(),
            key=lambda run: (run.status == "running", run.ended_at or run.started_at),
        )
        change = self.changes.session(session.session_id)
        for run in runs[:number]:
            session.fold(run.agent_id)
            change.runs.discard(run.agent_id)
            change.gone.append(run.agent_id)
            self._agents -= 1


def _in_use(session: Session) -> tuple[bool, float]:
    """Orders sessions: the ended first, of those and of the others the longest unseen."""
    return session.ended_at is None, session.last_seen_at


def _agent_name(agent_type: object) -> str | None:
    return sys.intern(opening(agent_type, NAME_CHARS).removeprefix("cco:")) or None
