"""POST /api/v1/shutdown: end the daemon gracefully."""

from __future__ import annotations

from http import HTTPStatus

from cco.daemon.handler import BaseHandler, Problem


class ShutdownHandler(BaseHandler):
    """Ends the daemon; with `{"handover": true}` its successor keeps port and token."""

    async def post(self) -> None:
        wanted = self.json_object()
        handover = wanted.get("handover", False)
        if set(wanted) - {"handover"} or not isinstance(handover, bool):
            raise Problem(HTTPStatus.BAD_REQUEST, "it takes handover: true or false, and no more")
        await self.send({"status": "stopping"}, HTTPStatus.ACCEPTED)
        self.state.stop(handover=handover)
