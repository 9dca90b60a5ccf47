"""GET /api/v1/openapi.json: the API, described."""

from __future__ import annotations

from cco.daemon.application import BaseHandler
from cco.daemon.openapi.document import description
from cco.daemon.parameters import read_query


class DescriptionHandler(BaseHandler):
    """The OpenAPI description of all that this daemon answers."""

    def get(self) -> None:
        read_query(self.request, ())
        self.send(description())
