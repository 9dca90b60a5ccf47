"""GET /api/v1/openapi.json: the API, described."""

from __future__ import annotations

from cco.daemon.api.openapi.document import description
from cco.daemon.api.parameters import read_query
from cco.daemon.handler import BaseHandler


class DescriptionHandler(BaseHandler):
    """The OpenAPI description of all that this daemon answers."""

    def get(self) -> None:
        read_query(self.request, ())
        self.send(description())
