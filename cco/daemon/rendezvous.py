"""Find the daemon through its sealed settings, the only place that says where it is."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from cco.daemon.client import Connection, Response, is_alive
from cco.errors import (
    DaemonError,
    DaemonNotRunning,
    DaemonUnresponsive,
    NotFound,
    UsageInvalid,
)
from cco.sealing import names
from cco.sealing.folder import locate_folder
from cco.sealing.identity import current_identity
from cco.sealing.keys import Identity
from cco.sealing.locks import is_held
from cco.sealing.sealed_set import SealedSet, open_set

_POLL_S = 0.02


def find(identity: Identity | None = None) -> SealedSet:
    """Open the sealed settings of this user's daemon, alive or not.

    Raises: DaemonNotRunning, SealError.
    """
    folder = locate_folder()
    if folder is None:
        raise DaemonNotRunning("the daemon is not running")
    return open_set(folder, identity or current_identity())


def find_alive(identity: Identity | None = None, *, patience_s: float = 5.0) -> SealedSet:
    """Open the sealed settings and make sure that their daemon answers.

    One that ends a connection is asked again: it makes way for its successor, or has a crowd.
    Raises: DaemonNotRunning, DaemonUnresponsive, SealError.
    """
    deadline = time.monotonic() + patience_s
    while True:
        sealed = find(identity)
        settings = sealed.settings
        try:
            if is_alive(settings.port, settings.token, timeout_s=patience_s):
                return sealed
        except DaemonUnresponsive:
            if is_held(sealed.path(names.DAEMON_LOCK)):  # not somebody else's on a dead one's port
                if time.monotonic() < deadline:
                    time.sleep(_POLL_S)
                    continue
                raise DaemonUnresponsive(
                    f"the daemon (pid {settings.pid}) does not answer"
                ) from None
        raise DaemonNotRunning(
            f"the daemon is not running (it ended without cleaning up {sealed.folder})"
        )


def call(method: str, target: str, body: Mapping[str, Any] | None = None) -> Any:
    """Ask the running daemon for one resource and return its JSON.

    Raises: DaemonNotRunning, DaemonError, SealError, NotFound, UsageInvalid.
    """
    settings = find_alive().settings
    data = None if body is None else json.dumps(body).encode()
    with Connection(settings.port) as connection:
        if not connection.prove(settings.token):
            raise DaemonNotRunning("what answers on the daemon's port is not the daemon")
        response = connection.request(method, target, token=settings.token, body=data)
    return _document(response)


def ask_for_files(sealed: SealedSet) -> None:
    """Have a daemon put back what is gone of its files; whether it could, the files tell.

    Raises: DaemonError, where it does not answer.
    """
    settings = sealed.settings
    with Connection(settings.port) as connection:
        if connection.prove(settings.token):
            connection.request("POST", "/api/v1/files", token=settings.token, body=b"{}")


def _document(response: Response) -> Any:
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        raise DaemonError(f"the daemon answered {response.status} without JSON") from None
    if response.status < 400:
        return document
    problem = document if isinstance(document, dict) else {}
    detail, advice = str(problem.get("detail", "no reason")), problem.get("advice")
    kind = {404: NotFound, 400: UsageInvalid}.get(response.status)
    if kind is None:
        raise DaemonError(f"the daemon answered {response.status}: {detail}", advice=advice)
    raise kind(detail, advice=advice)
