"""Start the daemon's process: cut off from this one, but for one report (spawned.py)."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cco import errors
from cco.daemon.spawned import ARGUMENTS, AUTOMATIC
from cco.errors import CcoError, DaemonError
from cco.own_command import daemon_command

if TYPE_CHECKING:  # most launches find a daemon and start none
    import subprocess

START_TIMEOUT_S = 30.0
_SEE = "See what it says: cco daemon logs, or where you see it yourself: cco daemon run"
_ENVIRONMENT = frozenset(
    """
    HOME PATH LANG LANGUAGE TZ TMPDIR TEMP TMP USERPROFILE APPDATA LOCALAPPDATA PROGRAMDATA
    SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT CCO_CONFIG CCO_CONFLICTS CCO_EXECUTABLE
    CCO_HINTS CCO_KEEP_HISTORY CCO_PORT CCO_STATUS_LINE CLAUDE_CODE_GIT_BASH_PATH
    SSL_CERT_DIR SSL_CERT_FILE
    """.split()
)
_GLIBC_GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""A sealed file opened is a large buffer for a moment: its memory goes back to the system."""

_ENVIRONMENT_PREFIXES = ("XDG_", "LC_")


def spawn(port: int | None) -> dict[str, Any]:
    """Start a daemon process and wait for its one report.

    Raises: CcoError, the one that the daemon reports.
    """
    process = _start_process(AUTOMATIC if port is None else str(port))
    import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401  # needed next; there is time now

    line = _read_report(process)
    try:
        report = json.loads(line)
    except ValueError:
        raise DaemonError("the daemon ended before it said why", advice=_SEE) from None
    if not isinstance(report, dict):
        raise DaemonError("the daemon's report makes no sense", advice=_SEE)
    if "error" in report:
        raise _reported(report)
    return report


def _start_process(argument: str) -> subprocess.Popen[bytes]:
    """Start the daemon's process cut off from this one, but for a pipe that takes its report."""
    import subprocess

    def start(**options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  # ourselves
            [*daemon_command(), *ARGUMENTS, argument],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_daemon_environment(),
            close_fds=True,
            **options,
        )

    if sys.platform != "win32":
        return start(start_new_session=True)
    flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        return start(creationflags=flags | subprocess.CREATE_BREAKAWAY_FROM_JOB)
    except PermissionError:  # we are in somebody's job, which lets nobody leave
        return start(creationflags=flags)


def _read_report(process: subprocess.Popen[bytes]) -> bytes:
    """Read a report: a line, or what came before the end; bounded in time.

    On POSIX the process has forked the daemon off by then, and is collected here.
    """
    assert process.stdout is not None
    with process.stdout as pipe:
        if sys.platform != "win32":
            line = _read_line(pipe.fileno(), START_TIMEOUT_S)
            process.wait()
            return line
        import threading

        # a pipe cannot be waited for with a time limit there
        watchdog = threading.Timer(START_TIMEOUT_S, process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            return pipe.readline()
        finally:
            watchdog.cancel()


def _read_line(fd: int, timeout_s: float) -> bytes:
    """Read up to the end of a line or of a pipe.

    Raises: DaemonError, when neither comes in time.
    """
    import select

    data = b""
    deadline = time.monotonic() + timeout_s
    while not data.endswith(b"\n"):
        if not select.select([fd], [], [], max(deadline - time.monotonic(), 0))[0]:
            raise DaemonError(f"the daemon did not start within {timeout_s:.0f} s")
        piece = os.read(fd, 65536)
        if not piece:
            break
        data += piece
    return data


def _reported(report: Mapping[str, Any]) -> CcoError:
    """The daemon's own error, as it was raised there."""
    kind = getattr(errors, str(report["error"]), DaemonError)
    if not (isinstance(kind, type) and issubclass(kind, CcoError)):
        kind = DaemonError
    return kind(str(report.get("message")), advice=str(report.get("advice", "")))


def _daemon_environment() -> dict[str, str]:
    """What the daemon needs of the environment, and none of the keys and tokens in it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _ENVIRONMENT or name.startswith(_ENVIRONMENT_PREFIXES)
    }
    return {**kept, **_GLIBC_GIVES_BACK}
