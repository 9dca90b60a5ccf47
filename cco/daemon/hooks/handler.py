"""POST /hooks/{Event}: what Claude Code reports, and what it is told in answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from cco.claude import versions
from cco.claude.bridge import EVENTS
from cco.claude.headers import BUDGET_HEADER, CLIENT_HEADER, LAUNCH_HEADER, PROBE
from cco.daemon.handler import BaseHandler, Problem
from cco.daemon.hooks.briefing import compaction_output, context_output
from cco.daemon.hooks.guards import block_output, tool_output
from cco.daemon.hooks.status_line import status_line
from cco.daemon.log import LOG
from cco.errors import SealError
from cco.ledger.records import Session
from cco.sealing import names
from cco.sealing.private_files import remove

STATUS_LINE = "StatusLine"
_LAUNCH_CHARS = 32
_PROBE_CHARS = 64
_SOURCE_CHARS = 20


class HookHandler(BaseHandler):
    """Takes in every event; answers those that carry something to the model, the rest with 200."""

    def post(self, event: str) -> None:
        if event not in (*EVENTS, STATUS_LINE, PROBE):
            raise Problem(HTTPStatus.NOT_FOUND, "no such event")
        payload = self.json_object()
        if event == PROBE:
            self.send({"probe": _text(payload, "probe")[:_PROBE_CHARS]})
            return
        payload = self.state.compactions.with_agent(event, payload)
        launch_id = self._launch_id()
        session = self.state.ledger.record_hook(event, payload, launch_id)
        if session is None:
            raise Problem(HTTPStatus.BAD_REQUEST, "the payload has no session_id")
        told = versions.parse_version(self.request.headers.get(CLIENT_HEADER, ""))
        if told is not None:
            session.client_version = versions.spelled(told)
        if payload.get("source") == "compact" and not _can(session, versions.POST_COMPACT):
            self.state.ledger.record_hook("PostCompact", payload, launch_id)
        if launch_id is not None:
            amount = self.request.headers.get(BUDGET_HEADER, "")
            self.state.budgets.note_launch(launch_id, amount)
        for observer in self.state.observers:
            observer.heard(event, session, payload)
        if event == "SessionEnd":
            self._end_of_session(session, payload)
        try:
            self._answer(event, payload, session)
        except SealError as error:
            LOG.error("%s: refused a sealed file: %s", event, error)
            self.send({"systemMessage": f"cco: {error}. {error.advice}"})

    def _answer(self, event: str, payload: dict[str, Any], session: Session) -> None:
        briefing = self.state.briefing
        if event == "SessionStart":
            self._start_session(payload, session)
        elif event == "UserPromptSubmit":
            self._answer_prompt(payload, session)
        elif event == "PreToolUse":
            found = [guard.before_tool(session, payload) for guard in self.state.guards]
            if decisions := [decision for decision in found if decision is not None]:
                self.send(tool_output(decisions))
        elif event == "SubagentStart":
            agent_type = _text(payload, "agent_type")
            brief = briefing.brief(agent_type)
            if brief is not None:
                LOG.info("brief of %s delivered to session %s", agent_type, session.session_id)
                self.send(context_output(event, brief))
        elif event == "PreCompact":
            self._before_compaction(payload, session)
        elif event == STATUS_LINE:
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            cost = payload.get("cost")
            told = cost.get("total_cost_usd") if isinstance(cost, dict) else None
            self.state.budgets.note_told(session, told)
            self.finish(status_line(session, self.state.budgets).encode())

    def _start_session(self, payload: dict[str, Any], session: Session) -> None:
        """Deliver the rules, unless the session resumes a conversation that has them already.

        The client drops what an earlier start said when it resumes, but keeps what followed a
        compaction, unless it is an old one. A specialist whose own conversation was compacted is
        told its brief instead.
        """
        source = _text(payload, "source")[:_SOURCE_CHARS]
        if agent_id := _text(payload, "agent_id"):
            self._restart_agent(agent_id, _text(payload, "agent_type"), session)
            return
        compacted = source == "compact"
        if source == "resume" and session.has_rules_from_compaction:
            if _can(session, versions.CONTEXT_OUTLIVES_RESUME):
                return
            compacted = True
        briefing = self.state.briefing
        text = briefing.after_compaction(session) if compacted else briefing.rules()
        session.has_rules_from_compaction = compacted
        session.owes_rules = False
        LOG.info("rules delivered to session %s (%s)", session.session_id, source)
        self.send(context_output("SessionStart", text))

    def _restart_agent(self, agent_id: str, agent_type: str, session: Session) -> None:
        text = self.state.briefing.after_agent_compaction(session, agent_id, agent_type)
        if text is not None:
            LOG.info("brief of %s restored in session %s", agent_type, session.session_id)
            self.send(context_output("SessionStart", text))

    def _answer_prompt(self, payload: dict[str, Any], session: Session) -> None:
        """Stop the prompt if a guard says so; else bring back what a compaction took and nothing
        returned, or name fitting specialists, and add what guards have to tell."""
        event = "UserPromptSubmit"
        found = [guard.before_prompt(session, payload) for guard in self.state.guards]
        decisions = [decision for decision in found if decision is not None]
        for decision in decisions:
            if decision.stops:
                self.send(block_output(decision))
                return
        told = [decision.reason for decision in decisions]
        if session.owes_rules:
            told.append(self.state.briefing.after_compaction(session))
            session.has_rules_from_compaction, session.owes_rules = True, False
            LOG.info("rules delivered to session %s (prompt)", session.session_id)
        elif self.state.hints is not None:
            hint = self.state.hints.hint(_text(payload, "prompt"))
            told += [] if hint is None else [hint]
        if told:
            self.send(context_output(event, "\n\n".join(told)))

    def _before_compaction(self, payload: dict[str, Any], session: Session) -> None:
        briefing = self.state.briefing
        if agent_id := _text(payload, "agent_id"):
            agent_type = _text(payload, "agent_type")
            text = briefing.before_agent_compaction(session, agent_id, agent_type)
        else:
            text = briefing.before_compaction(session)
        if text is not None:
            LOG.info("compaction in session %s", session.session_id)
            self.send(compaction_output(text))

    def _launch_id(self) -> str | None:
        launch_id = self.request.headers.get(LAUNCH_HEADER, "")
        return launch_id if launch_id.isalnum() and len(launch_id) <= _LAUNCH_CHARS else None

    def _end_of_session(self, session: Session, payload: dict[str, Any]) -> None:
        """Remove the launch's private copy of the bridge once nothing of the launch goes on."""
        last = self.state.ledger.is_last_of_launch(session, payload.get("reason"))
        if session.launch_id and last:
            name = f"{names.BRIDGE_COPY_PREFIX}{session.launch_id}.json"
            remove(self.state.sealed.path(name))


def _can(session: Session, ability: versions.Ability) -> bool:
    return ability.is_in(versions.parse_version(session.client_version or ""))


def _text(payload: dict[str, Any], name: str) -> str:
    """A text as UTF-8 can hold it, which half a surrogate pair is not; empty for anything else."""
    value = payload.get(name)
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""
