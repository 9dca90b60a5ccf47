"""GET /api/v1/sessions, agents and usage: what runs, what it did, what it cost."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from itertools import islice
from typing import Any

from cco.catalogue.search import QUERY_LIMIT_CHARS
from cco.daemon.api.parameters import (
    MAX_PAGE,
    Choice,
    Cursor,
    Parameter,
    cursor_of,
    page_size,
    read_query,
)
from cco.daemon.handler import BaseHandler, Problem
from cco.ledger.records import Session
from cco.ledger.report import agents_report, usage_report

PROJECT = Parameter("project", "Only of sessions in this folder, as the client names it.")
STATUS = Choice(
    "status",
    "Only those that run (some may wait), wait for the person, or have ended.",
    choices=("running", "waiting", "ended"),
)
SESSION = Parameter("session", "Only of this session.")
QUERY = Parameter("q", "Who fits this text, the best first, on one page.", QUERY_LIMIT_CHARS)
SESSIONS_CURSOR = Cursor(kinds=(float, str))
AGENTS_CURSOR = Cursor(kinds=(int, str))
SESSIONS_PARAMETERS = (page_size(), SESSIONS_CURSOR, PROJECT, STATUS)
AGENTS_PARAMETERS = (page_size(MAX_PAGE), AGENTS_CURSOR, QUERY)
USAGE_PARAMETERS = (SESSION, PROJECT)

MAX_RUNS_PER_PAGE = 5_000
"""A page of sessions ends early where it would tell of more agents than this."""


class SessionsHandler(BaseHandler):
    """Sessions page by page, the most recently started first: a place that never changes."""

    def get(self) -> None:
        query = read_query(self.request, SESSIONS_PARAMETERS)
        cursor, project, status = query["cursor"], query["project"], query["status"]
        fitting = [
            (_session_key(session), session)
            for session in self.state.ledger.sessions()
            if project in (None, session.project) and _has_status(session, status)
        ]
        found = [one for one in fitting if cursor is None or one[0] < cursor]
        found.sort(key=lambda one: one[0], reverse=True)
        page: list[tuple[tuple[float, str], Session]] = []
        runs = 0
        for key, session in islice(found, query["limit"]):
            runs += len(session.agents)
            if page and runs > MAX_RUNS_PER_PAGE:
                break
            page.append((key, session))
        more = len(page) < len(found)
        self.send(
            {
                "sessions": [session.document() for _, session in page],
                "next": cursor_of(*page[-1][0]) if more else None,
            }
        )


class SessionHandler(BaseHandler):
    """One session."""

    def get(self, session_id: str) -> None:
        read_query(self.request, ())
        self.send(self.state.ledger.session(session_id).document())


class AgentsHandler(BaseHandler):
    """The specialists of the roster, then others that ran; or those that fit a text."""

    def get(self) -> None:
        query = read_query(self.request, AGENTS_PARAMETERS)
        ran = {row["name"]: row for row in agents_report(self.state.ledger)}
        roster = self.state.sealed.settings.roster
        rows = [{**ran.pop(str(agent["name"]), {}), **agent} for agent in roster]
        if query["q"] is not None:
            self._send_fitting(query, {row["name"]: row for row in rows})
            return
        keyed = [((0, f"{number:06}"), row) for number, row in enumerate(rows)]
        keyed += [((1, name), ran[name]) for name in sorted(ran)]
        if query["cursor"]:
            keyed = [one for one in keyed if one[0] > query["cursor"]]
        page = keyed[: query["limit"]]
        more = len(page) < len(keyed)
        self.send(
            {
                "agents": [row for _, row in page],
                "next": cursor_of(*page[-1][0]) if more else None,
            }
        )

    def _send_fitting(self, query: dict[str, Any], rows: dict[str, dict[str, Any]]) -> None:
        if query["cursor"]:
            AGENTS_CURSOR.refuse("does not go with q, whose answer is one page")
        index, text = self.state.index, query["q"]
        clear = {match.name for match in index.fitting(text)}
        found = [
            {
                **rows[match.name],
                "score": round(match.score, 3),
                "clear": match.name in clear,
            }
            for match in index.search(text, query["limit"])
            if match.name in rows
        ]
        self.send({"agents": found, "next": None})


class AgentHandler(BaseHandler):
    """One specialist and its runs in all sessions, at most the latest so many."""

    def get(self, name: str) -> None:
        read_query(self.request, ())
        wanted = name.removeprefix("cco:")
        found = [agent for agent in self.state.sealed.settings.roster if agent["name"] == wanted]
        runs = list(islice(_runs_of(self.state.ledger.sessions(), wanted), MAX_RUNS_PER_PAGE))
        if not found and not runs:
            raise Problem(HTTPStatus.NOT_FOUND, f"no agent {name!r}")
        self.send({**(found[0] if found else {"name": wanted}), "runs": runs})


class UsageHandler(BaseHandler):
    """Usage by agent, model, project, hour and session; of one session or project."""

    def get(self) -> None:
        query = read_query(self.request, USAGE_PARAMETERS)
        self.send(usage_report(self.state.ledger, query["session"], query["project"]))


def _has_status(session: Session, status: str | None) -> bool:
    if status == "waiting":
        return bool(session.waits)
    return status is None or (session.ended_at is None) == (status == "running")


def _session_key(session: Session) -> tuple[float, str]:
    return float(session.started_at), session.session_id


def _runs_of(sessions: Iterable[Session], name: str) -> Iterable[dict[str, Any]]:
    for session in sessions:
        for run in session.agents.values():
            if run.name == name:
                yield {"session_id": session.session_id, **run.document()}
