"""How many connections the daemon takes: as many as there are descriptors for, and no more."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

from cco.errors import SystemRefused

MOST_DESCRIPTORS = 65_536
RESERVED = 32
"""Descriptors for everything that is no connection: files, log, listening sockets, forwarding."""

FEWEST_CONNECTIONS = 16
"""A session keeps several; a daemon that has fewer in all would turn away the owner's own."""


class BoundedServer(HTTPServer):
    """Closes connections that are too many.

    Without a descriptor left a connection could not even be refused: the loop would try again and
    again, and no file could be opened for those that are there.
    """

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        if len(self._connections) >= descriptor_limit() - RESERVED:
            stream.close()
        else:
            super().handle_stream(stream, address)


def raise_descriptor_limit() -> None:
    """Have as many descriptors as the system lets us: every session keeps connections open.

    Raises: SystemRefused, where those are too few.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if descriptor_limit() < RESERVED + FEWEST_CONNECTIONS:
        raise SystemRefused(
            f"{descriptor_limit()} open files are too few for the daemon: "
            f"it needs {RESERVED + FEWEST_CONNECTIONS}",
            advice="Raise the limit: ulimit -n",
        )


def descriptor_limit() -> int:
    """How many descriptors this process may have."""
    if sys.platform == "win32":
        return MOST_DESCRIPTORS
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
