"""POST /hooks/{Event}: what Claude Code reports, and what it is told in answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from cco.claude.bridge import EVENTS, LAUNCH_HEADER
from cco.daemon.application import BaseHandler, Problem
from cco.daemon.briefing import compaction_output, context_output
from cco.daemon.log import LOG
from cco.errors import SealError
from cco.ledger.records import NANOS_PER_USD, Session, finite
from cco.sealing import names
from cco.sealing.private_files import remove

STATUS_LINE = "StatusLine"
_LAUNCH_CHARS = 32
_SOURCE_CHARS = 20
_LINE_CHARS = 119


class HookHandler(BaseHandler):
    """Takes in every event; answers those that carry something to the model, the rest with 200."""

    def post(self, event: str) -> None:
        if event not in (*EVENTS, STATUS_LINE):
            raise Problem(HTTPStatus.NOT_FOUND, "no such event")
        payload = self.json_object()
        launch_id = self._launch_id()
        session = self.state.ledger.record_hook(event, payload, launch_id)
        if session is None:
            raise Problem(HTTPStatus.BAD_REQUEST, "the payload has no session_id")
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
        elif event == "SubagentStart":
            agent_type = str(payload.get("agent_type", ""))
            brief = briefing.brief(agent_type)
            if brief is not None:
                LOG.info("brief of %s delivered to session %s", agent_type, session.session_id)
                self.send(context_output(event, brief))
        elif event == "PreCompact":
            LOG.info("compaction of session %s", session.session_id)
            self.send(compaction_output(briefing.before_compaction(session)))
        elif event == STATUS_LINE:
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(status_line(session, payload).encode())

    def _start_session(self, payload: dict[str, Any], session: Session) -> None:
        """Deliver the rules, unless the session resumes a conversation that has them already.

        The client drops what an earlier start said when it resumes, but keeps what followed a
        compaction.
        """
        source = str(payload.get("source"))[:_SOURCE_CHARS]
        if source == "resume" and session.has_rules_from_compaction:
            return
        compacted = source == "compact"
        briefing = self.state.briefing
        text = briefing.after_compaction(session) if compacted else briefing.rules()
        session.has_rules_from_compaction = compacted
        LOG.info("rules delivered to session %s (%s)", session.session_id, source)
        self.send(context_output("SessionStart", text))

    def _launch_id(self) -> str | None:
        launch_id = self.request.headers.get(LAUNCH_HEADER, "")
        return launch_id if launch_id.isalnum() and len(launch_id) <= _LAUNCH_CHARS else None

    def _end_of_session(self, session: Session, payload: dict[str, Any]) -> None:
        """Remove the launch's private copy of the bridge once nothing of the launch goes on."""
        last = self.state.ledger.is_last_of_launch(session, payload.get("reason"))
        if session.launch_id and last:
            name = f"{names.BRIDGE_COPY_PREFIX}{session.launch_id}.json"
            remove(self.state.sealed.path(name))


def status_line(session: Session, payload: dict[str, Any]) -> str:
    """One line under 120 columns: cost, agents at work, context used.

    The cost is the client's own total where it tells it, else what telemetry added up.
    """
    cost = session.total().cost_nanousd / NANOS_PER_USD
    told = payload.get("cost")
    if isinstance(told, dict):
        total = finite(told.get("total_cost_usd"))
        cost = cost if total is None else total
    parts = ["cco", f"${cost:.2f}"]
    names_running = [run.name or "agent" for run in session.running]
    if names_running:
        shown = ", ".join(names_running[:3]) + (", …" if len(names_running) > 3 else "")
        parts.append(f"{len(names_running)} running: {shown}")
    elif session.agents:
        parts.append(f"{len(session.agents)} agents done")
    if session.context_used_percent is not None:
        parts.append(f"context {session.context_used_percent:.0f}%")
    line = " · ".join(parts)
    return "".join(one if one.isprintable() else " " for one in line)[:_LINE_CHARS]
