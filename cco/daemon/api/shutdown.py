"""POST /api/v1/shutdown: end the daemon gracefully."""

from __future__ import annotations

from http import HTTPStatus

from cco.daemon.handler import BaseHandler


class ShutdownHandler(BaseHandler):
    """Ends the daemon; with `{"handover": true}` its successor keeps port and token."""

    async def post(self) -> None:
        handover = self.json_object().get("handover") is True
        await self.send({"status": "stopping"}, HTTPStatus.ACCEPTED)
        self.state.stop(handover=handover)
