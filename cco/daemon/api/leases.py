"""GET /api/v1/leases: who edits what."""

from __future__ import annotations

import os
from typing import Any

from cco.daemon.api.parameters import Parameter, read_query
from cco.daemon.handler import BaseHandler
from cco.daemon.hooks.disk import MAX_PATH_CHARS


class FilePath(Parameter):
    """An absolute path."""

    def schema(self) -> dict[str, Any]:
        root = r"[A-Za-z]:[/\\]" if os.name == "nt" else "/"
        return {**super().schema(), "pattern": rf"^{root}[^\x00]*$"}


PATH = FilePath("path", "Only of this file, by its full path.", MAX_PATH_CHARS)
LEASES_PARAMETERS = (PATH,)


class LeasesHandler(BaseHandler):
    """Who is editing what; with `?path=` who edits one file, and who changed it last."""

    def get(self) -> None:
        edits = self.state.edits
        path = read_query(self.request, LEASES_PARAMETERS)["path"]
        if path is None:
            self.send({"leases": [lease.document() for lease in edits.leases()]})
            return
        file = self.state.disk.file(path)
        if file is None:
            PATH.refuse("must be the full path of a file")
        change = edits.last_change(file.key)
        self.send(
            {
                "path": file.path,
                "leases": [lease.document() for lease in edits.leases(file.key)],
                "changed": None if change is None else change.document(),
            }
        )
