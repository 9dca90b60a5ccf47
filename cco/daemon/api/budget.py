"""GET and PUT /api/v1/budget: how the budgets stand, and another limit for one of them."""

from __future__ import annotations

from http import HTTPStatus

from cco.config import NOT_A_BUDGET
from cco.daemon.api.parameters import read_query
from cco.daemon.handler import BaseHandler, Problem
from cco.ledger.budget import nanousd

_FIELDS = frozenset(("limit_usd", "session_id", "day"))


class BudgetHandler(BaseHandler):
    """Today's budget and those of the sessions that run."""

    def get(self) -> None:
        read_query(self.request, ())
        self._send_all()

    def put(self) -> None:
        read_query(self.request, ())
        wanted = self.json_object()
        if set(wanted) - _FIELDS:
            raise Problem(HTTPStatus.BAD_REQUEST, "a budget has limit_usd, session_id and day")
        amount = wanted.get("limit_usd")
        limit = nanousd(amount) if type(amount) in (int, float) else None
        if limit is None:
            raise Problem(HTTPStatus.BAD_REQUEST, f"limit_usd {NOT_A_BUDGET}")
        session_id, day = wanted.get("session_id"), wanted.get("day", False)
        if isinstance(session_id, str) and day is False:
            session = self.state.ledger.session(session_id)
            self.state.budgets.set_session(session, limit)
        elif session_id is None and day is True:
            self.state.budgets.set_day(limit)
        else:
            raise Problem(HTTPStatus.BAD_REQUEST, "give either a session_id or day: true")
        self._send_all()

    def _send_all(self) -> None:
        budgets = self.state.budgets
        running = [
            one for one in self.state.ledger.sessions() if one.orchestrated and one.ended_at is None
        ]
        self.send(
            {
                "day": {"date": budgets.date} | budgets.day().document(),
                "sessions": [
                    {"session_id": one.session_id, "project": one.project}
                    | budgets.session(one).document()
                    for one in running
                ],
            }
        )
