"""POST /api/v1/files: put back at once what a cleaner took of the daemon's files."""

from __future__ import annotations

from http import HTTPStatus

from cco.daemon.handler import BaseHandler, Problem
from cco.errors import CcoError


class FilesHandler(BaseHandler):
    """Looks after the files now, for a launch that misses some, and not within two seconds."""

    async def post(self) -> None:
        if self.json_object():
            raise Problem(HTTPStatus.BAD_REQUEST, "it takes an empty object")
        try:
            self.state.put_back()
        except (CcoError, OSError) as error:
            told = f"they cannot be put back: {error}"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, told) from None
        await self.send({"status": "whole"})
