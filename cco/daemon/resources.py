"""GET /api/v1/…: what runs, what it did, what it cost."""

from __future__ import annotations

from http import HTTPStatus

from cco.daemon.application import BaseHandler, Problem
from cco.ledger.report import agents_report, usage_report


class SessionsHandler(BaseHandler):
    """All sessions, the most recently seen first."""

    def get(self) -> None:
        self.send({"sessions": [one.document() for one in self.state.ledger.sessions()]})


class SessionHandler(BaseHandler):
    """One session."""

    def get(self, session_id: str) -> None:
        self.send(self.state.ledger.session(session_id).document())


class AgentsHandler(BaseHandler):
    """All specialists: those of the roster, with what those that ran did."""

    def get(self) -> None:
        ran = {row["name"]: row for row in agents_report(self.state.ledger)}
        roster = self.state.sealed.settings.roster
        rows = [{**ran.pop(str(agent["name"]), {}), **agent} for agent in roster]
        self.send({"agents": [*rows, *ran.values()]})


class AgentHandler(BaseHandler):
    """One specialist and its runs in all sessions."""

    def get(self, name: str) -> None:
        wanted = name.removeprefix("cco:")
        found = [agent for agent in self.state.sealed.settings.roster if agent["name"] == wanted]
        runs = [
            {"session_id": session.session_id, **run.document()}
            for session in self.state.ledger.sessions()
            for run in session.agents.values()
            if run.name == wanted
        ]
        if not found and not runs:
            raise Problem(HTTPStatus.NOT_FOUND, f"no agent {name!r}")
        self.send({**(found[0] if found else {"name": wanted}), "runs": runs})


class UsageHandler(BaseHandler):
    """Usage by agent, model and session; of one session with `?session=`."""

    def get(self) -> None:
        self.send(usage_report(self.state.ledger, self.get_query_argument("session", None)))
