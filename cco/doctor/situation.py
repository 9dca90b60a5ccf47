"""The daemon as it is found: nothing is started, made or changed to find out."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from cco import build_info
from cco.daemon.client import Connection
from cco.errors import CcoError, DaemonError, DaemonNotRunning, SealedFileForeign
from cco.folders import temp_folder
from cco.sealing import names
from cco.sealing.folder import locate_folder, wanted_folder
from cco.sealing.identity import known_machine_id, username
from cco.sealing.keys import Identity
from cco.sealing.sealed_set import SealedSet, open_set

ABSENT, ALIVE, DEAD, HUNG, STRANGER, REFUSED = "absent alive dead hung stranger refused".split()
"""No settings; they answer; nobody listens; no answer in time; another program listens in its
place; the settings do not open."""
ANSWER_TIMEOUT_S = 2.0


@dataclass
class Situation:
    """What was found in the temp folder, and who answers."""

    temp: Path
    folder: Path
    """Where the files are, or would be."""
    state: str = ABSENT
    sealed: SealedSet | None = field(default=None, repr=False)
    error: CcoError | None = None
    health: dict[str, Any] = field(default_factory=dict)
    clock_skew_s: float | None = None
    """How far the daemon's clock is before ours; both count whole seconds."""

    @property
    def port(self) -> int | None:
        return None if self.sealed is None else self.sealed.settings.port


def find_situation() -> Situation:
    """Look for the daemon of this temp folder.

    Raises: FolderUnusable, where there is no temp folder.
    """
    temp = temp_folder()
    folder = locate_folder(temp)
    found = Situation(temp, wanted_folder(temp) if folder is None else folder)
    if folder is None:
        return found
    try:
        found.sealed = open_set(folder, _identity())
    except CcoError as error:
        found.state, found.error = REFUSED, error
        return found
    settings = found.sealed.settings
    try:
        with Connection(settings.port, timeout_s=ANSWER_TIMEOUT_S) as connection:
            if not connection.prove(settings.token):
                found.state = STRANGER
                return found
            response = connection.request("GET", "/health")
        found.health = json.loads(response.body)
        found.state = ALIVE
        found.clock_skew_s = parsedate_to_datetime(response.date).timestamp() - time.time()
    except DaemonNotRunning:
        found.state = DEAD
    except (DaemonError, ValueError, TypeError):
        found.state = found.state if found.state == ALIVE else HUNG
    return found


def _identity() -> Identity:
    known = known_machine_id()
    if known is None:
        raise SealedFileForeign(
            f"{names.SETTINGS} is there, but this machine has no id to open it with"
        )
    return Identity(known.value, username(), build_info.current().secret)
