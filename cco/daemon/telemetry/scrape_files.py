"""What a Prometheus on this machine needs, kept in a folder that the user names.

The only place where the token is written in plain, and only because the user asked for it: both
files are this user's alone, and gone when the daemon stops.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path

from cco.daemon.log import LOG
from cco.errors import FolderUnusable
from cco.folders import make_folders
from cco.sealing.private_files import make_private_folder, remove, write_private
from cco.sealing.replaceable import replaceable_part
from cco.sealing.sealed_set import Settings

TOKEN = "cco-token"  # noqa: S105  # a file name
TARGETS = "cco-targets.json"


def write_scrape_files(folder: str | None, settings: Settings) -> None:
    """Write token and target; a folder that cannot be used is told of, and holds nothing up."""
    if folder is None:
        return
    instance = f"{socket.gethostname()}:{settings.port}"
    targets = [{"targets": [f"localhost:{settings.port}"], "labels": {"instance": instance}}]
    try:
        make_folders(Path(folder).parent)
        if (part := replaceable_part(Path(folder).parent)) is not None:
            raise FolderUnusable(f"other accounts can replace what is in {part}")
        make_private_folder(Path(folder))  # whoever changes the target is sent the token
        write_private(Path(folder, TOKEN), settings.token.encode())
        write_private(Path(folder, TARGETS), json.dumps(targets).encode())
    except (OSError, FolderUnusable) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        LOG.warning("metrics.folder %s cannot be used: %s", folder, reason)


def remove_scrape_files(folder: str | None) -> None:
    """Take both away, the target first: nobody is to ask a port that is no longer ours."""
    for name in (TARGETS, TOKEN) if folder is not None else ():
        with suppress(OSError, FolderUnusable):
            remove(Path(str(folder), name))
