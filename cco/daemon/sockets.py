"""Loopback sockets: both families of one port, or none."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from cco.errors import PortTaken

_ADDRESSES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_BACKLOG = 512
_PORTS_TO_TRY = 100


def bind(port: int) -> list[socket.socket]:
    """Listen on a port of 127.0.0.1 and, where the system has it, ::1.

    A port counts as taken when somebody answers on either, even where the system would let us
    listen beside them.
    Raises: PortTaken, naming the owner where that can be found out.
    """
    if any(_answers(family, host, port) for family, host in _ADDRESSES):
        raise _taken(port)
    sockets: list[socket.socket] = []
    try:
        for family, host in _ADDRESSES:
            opened = _listen(family, host, port)
            if opened is not None:
                sockets.append(opened)
    except OSError:
        for opened in sockets:
            opened.close()
        raise _taken(port) from None
    if not sockets:
        raise _taken(port)
    return sockets


def bind_first_free(preferred: int) -> list[socket.socket]:
    """Listen on the preferred port or on the next free one after it.

    Raises: PortTaken, when a hundred ports in a row are taken.
    """
    taken: PortTaken | None = None
    for port in _candidates(preferred):
        try:
            return bind(port)
        except PortTaken as error:
            taken = taken or error
    raise taken or PortTaken(f"port {preferred} is taken")


def _candidates(preferred: int) -> Iterator[int]:
    yield from range(preferred, min(preferred + _PORTS_TO_TRY, 65536))


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket | None:
    try:
        opened = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
