"""Loopback sockets: both families of one port, or none."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from cco.daemon import port_guard
from cco.errors import PortTaken

_ADDRESSES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_BACKLOG = 512
_PORTS_TO_TRY = 100
_PORTS_TO_DRAW = 20


def bind(port: int) -> list[socket.socket]:
    """Listen on a port of 127.0.0.1 and, where the system has it, ::1.

    A port counts as taken when somebody answers on either, even where the system would let us
    listen beside them.
    Raises: PortTaken, naming the owner where that can be found out.
    """
    sockets = _bind(port)
    if not sockets:
        raise _taken(port)
    return sockets


def bind_first_free(preferred: int) -> list[socket.socket]:
    """Listen on the preferred port, on the next free one after it, or on any.

    Raises: PortTaken.
    """
    for port in _candidates(preferred):
        if sockets := _bind(port):
            return sockets
    raise _taken(preferred)


def _bind(port: int) -> list[socket.socket]:
    """Listen on a port, beside guards of sessions that are left, or on none."""
    if any(_answers(family, host, port) for family, host in _ADDRESSES):
        return []
    sockets = _listen_on_all(port)
    if not sockets and port_guard.SUPPORTED:
        sockets = _listen_on_all(port, beside_guards=True)
        if sockets and port_guard.listeners(port) > 1:  # another daemon of this account's, just now
            _close(sockets)
            return []
    for opened in sockets:
        port_guard.admit_guards(opened)
    return sockets


def _candidates(preferred: int) -> Iterator[int]:
    yield from range(preferred, min(preferred + _PORTS_TO_TRY, 65536))
    for _ in range(_PORTS_TO_DRAW):  # somebody may have taken all of those to keep us from starting
        with socket.socket() as drawn:
            drawn.bind(("127.0.0.1", 0))
            port = drawn.getsockname()[1]
        yield port


def _listen_on_all(port: int, *, beside_guards: bool = False) -> list[socket.socket]:
    """Listen on every loopback address that the system has; on none where one is taken."""
    sockets: list[socket.socket] = []
    try:
        for family, host in _ADDRESSES:
            opened = _listen(family, host, port, beside_guards)
            if opened is not None:
                sockets.append(opened)
    except OSError:
        _close(sockets)
        return []
    return sockets


def _close(sockets: list[socket.socket]) -> None:
    for opened in sockets:
        opened.close()


def _listen(
    family: socket.AddressFamily, host: str, port: int, beside_guards: bool
) -> socket.socket | None:
    try:
        opened = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if beside_guards:
            port_guard.admit_guards(opened)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
        opened.listen(_BACKLOG)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return None
        raise
    return opened


def _answers(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        probe = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return False
    with probe:
        probe.settimeout(0.25)
        try:
            probe.connect((host, port))
        except OSError:
            return False
        return True


def _taken(port: int) -> PortTaken:
    owner = port_owner(port)
    return PortTaken(f"port {port} is taken" + (f" by {owner}" if owner else ""))


def port_owner(port: int) -> str | None:
    """Name the process that listens on a port, such as `node (pid 4711)`; None if it is hidden.

    Of somebody else's process Linux tells the account, and macOS nothing.
    """
    import psutil

    with suppress(psutil.Error, OSError):
        for pid in _listeners(port):
            return f"{psutil.Process(pid).name()} (pid {pid})"
    account = _account_of_listener(port) if sys.platform.startswith("linux") else None
    return None if account is None else f"a process of {account}"


def _listeners(port: int) -> Iterator[int]:
    """The processes that listen on a port, of those that this account may look at."""
    import psutil

    try:
        found = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:  # macOS asks for root where one asks about everybody
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if any(_listens_on(one, port) for one in process.net_connections(kind="tcp")):
                    yield process.pid
        return
    yield from (one.pid for one in found if one.pid and _listens_on(one, port))


def _listens_on(connection: Any, port: int) -> bool:
    return bool(connection.status == "LISTEN" and connection.laddr[1:] == (port,))


def _account_of_listener(port: int) -> str | None:
    """The account whose process listens on a port.

    Source: Linux, proc_pid_net(5): local address, state 0A for LISTEN, and uid are columns.
    """
    import pwd

    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError), open(table, encoding="ascii") as lines:
            for line in lines:
                columns = line.split()
                if columns[3] == "0A" and columns[1].endswith(f":{port:04X}"):
                    uid = int(columns[7])
                    with suppress(KeyError):
                        return pwd.getpwuid(uid).pw_name
                    return f"uid {uid}"
    return None
