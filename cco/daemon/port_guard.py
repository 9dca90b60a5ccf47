"""Keep a daemon's port for its account as long as a session lives, whatever becomes of the daemon.

Claude Code's http hooks cannot ask who answers them, and an answer may rewrite a command and allow
it: another account that took the port of a daemon that is gone could run what it likes as this one.
Linux gives a port on which a socket is bound with SO_REUSEPORT to nobody but the account of that
socket. A launch therefore binds one to each loopback address, listens on them never, and hands them
on to Claude Code: refused connections are all that a session finds where its daemon was.
"""

from __future__ import annotations

import _socket
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # a launch has the C module only, as the client has
    import socket

SUPPORTED = sys.platform.startswith("linux")
"""Elsewhere a bound socket keeps out our own daemon too, or nobody (SECURITY.md)."""


def hold_port(port: int) -> list[int]:
    """Bind sockets that keep a port for this account until every process that has them ends.

    One on each loopback address: who asks for `localhost` tries ::1 first.
    Returns: descriptors, inherited by programs that this one becomes or starts; none where the
    system has no such sockets, and none for an address that another account has taken already.
    """
    if not SUPPORTED:
        return []
    held = (_hold(_socket.AF_INET, "127.0.0.1", port), _hold(_socket.AF_INET6, "::1", port))
    return [one for one in held if one is not None]


def _hold(family: int, host: str, port: int) -> int | None:
    try:
        guard = _socket.socket(family, _socket.SOCK_STREAM)
    except OSError:  # a system without IPv6
        return None
    try:
        guard.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)
        if family == _socket.AF_INET6:
            guard.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
        guard.bind((host, port))
    except OSError:
        guard.close()
        return None
    descriptor = guard.detach()
    os.set_inheritable(descriptor, True)
    return descriptor


def admit_guards(listening: socket.socket) -> None:
    """Let guards of this account, and of no other, be bound beside a socket that listens."""
    if SUPPORTED:
        listening.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)


def listeners(port: int) -> int:
    """How many sockets of the more crowded address family listen on a port of this machine."""
    return max(_listening(f"/proc/net/{table}", port) for table in ("tcp", "tcp6"))


def _listening(path: str, port: int) -> int:
    try:
        with open(path, encoding="ascii") as file:
            rows = [line.split() for line in file][1:]
    except OSError:
        return 0
    return sum(1 for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A")
