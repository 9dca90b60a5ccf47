"""Start the daemon once, however many ask, and stop it whatever its state."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cco import errors
from cco.config import Config, daemon_command, load_config
from cco.daemon.client import Connection
from cco.daemon.rendezvous import find_alive
from cco.daemon.spawned import ARGUMENTS, AUTOMATIC
from cco.errors import (
    CcoError,
    ConfigInvalid,
    DaemonAlreadyRunning,
    DaemonError,
    DaemonNotRunning,
    FolderUnusable,
    SealedFileForeign,
    SealError,
)
from cco.sealing import names
from cco.sealing.folder import (
    choose_folder,
    locate_folder,
    remove_leftovers,
    remove_private_folder,
)
from cco.sealing.identity import current_identity
from cco.sealing.keys import Identity
from cco.sealing.locks import Lock, is_held
from cco.sealing.private_files import read_private
from cco.sealing.sealed_set import SealedSet, open_set

if TYPE_CHECKING:  # most launches find a daemon and start none
    import subprocess

START_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 10.0
HOLDER_TIMEOUT_S = 2.0
_POLL_S = 0.02
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

Notify = Callable[[str], None]


@dataclass(frozen=True)
class Stopped:
    """What a stop found and did."""

    was_running: bool
    leftovers: list[Path]


def ensure_running(
    config: Config, notify: Notify, *, patience_s: float = ANSWER_TIMEOUT_S
) -> SealedSet:
    """Find the daemon or start it; however many ask at once, one is started.

    Raises: CcoError, when it cannot be started, or runs and does not answer for so long.
    """
    identity = current_identity()
    with suppress(DaemonNotRunning, SealError):
        return find_alive(identity, patience_s=patience_s)
    return _start(identity, config, None, notify)


def start(config: Config, port: int | None, notify: Notify) -> SealedSet:
    """Start the daemon, on just this port if one is given; a running one is left as it is.

    Raises: DaemonAlreadyRunning where one runs on another port; PortTaken; CcoError.
    """
    return _start(current_identity(), config, port, notify)


def restart(config: Config, port: int | None, notify: Notify) -> SealedSet:
    """Stop the daemon, if one runs, and start one that takes over port and token.

    If none starts, the files stay as after a crash, so that a later start takes over; but not where
    another port was asked for, which gives up the sessions anyway.
    Raises: PortTaken; CcoError.
    """
    identity = current_identity()
    with _starting(locate_folder() or choose_folder()):  # of many restarts, one after the other
        stop(handover=True)
        try:
            return _start_now(identity, config, port, notify)
        except BaseException:
            if port is not None:
                stop()
            raise


def _start(identity: Identity, config: Config, port: int | None, notify: Notify) -> SealedSet:
    with _starting(choose_folder()):
        return _start_now(identity, config, port, notify)


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """Be the only one who starts a daemon in a folder."""
    lock = Lock(folder / names.START_LOCK)
    if not lock.acquire(START_TIMEOUT_S):
        raise DaemonError(f"another cco has been starting the daemon for {START_TIMEOUT_S:.0f} s")
    with lock:
        yield


def _start_now(identity: Identity, config: Config, port: int | None, notify: Notify) -> SealedSet:
    with suppress(DaemonNotRunning):
        return _running(identity, port)
    report = _spawn(port)
    if "error" in report:
        raise _reported(report)
    if port is None and report["port"] != config.port and not report["kept_port"]:
        notify(f"port {config.port} is not free; the daemon uses {report['port']}")
    for line in report.get("refused", ()):
        notify(f"left out: {line}")
    return find_alive(identity, patience_s=ANSWER_TIMEOUT_S)


def _running(identity: Identity, port: int | None) -> SealedSet:
    """The daemon that runs already.

    Raises: DaemonNotRunning; DaemonAlreadyRunning, where it cannot be the one that is wanted.
    """
    try:
        sealed = find_alive(identity)
    except SealError as error:
        folder = choose_folder()
        if not is_held(folder / names.DAEMON_LOCK):
            raise DaemonNotRunning(str(error)) from None  # what is refused will be replaced
        pid = _holder(folder)
        if isinstance(error, SealedFileForeign):
            raise DaemonAlreadyRunning(
                f"a daemon of another build of cco runs in {folder} (pid {pid})",
                advice="Stop it with that cco, or give this one a folder of its own in TMPDIR.\n"
                "To end it from here, and the orchestration of its sessions: cco daemon restart",
            ) from None
        raise DaemonAlreadyRunning(
            f"the daemon runs (pid {pid}), but its settings are refused: {error}"
        ) from None
    if port is not None and sealed.settings.port != port:
        raise DaemonAlreadyRunning(
            f"the daemon already runs on port {sealed.settings.port}",
            advice=f"Run: cco daemon restart --port {port}",
        )
    return sealed


def _spawn(port: int | None) -> dict[str, Any]:
    """Start a daemon process and wait for its one report."""
    process = _start_process(AUTOMATIC if port is None else str(port))
    import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401  # needed next; there is time now

    line = _read_report(process)
    try:
        report = json.loads(line)
    except ValueError:
        raise DaemonError("the daemon ended before it said why") from None
    if not isinstance(report, dict):
        raise DaemonError("the daemon's report makes no sense")
    return report


def _start_process(argument: str) -> subprocess.Popen[bytes]:
    """Start the daemon's process cut off from this one, but for a pipe that takes its report."""
    import subprocess

    def start(**options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
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


def stop(*, handover: bool = False) -> Stopped:
    """Stop the daemon and see that nothing is left; with `handover` its files stay for the next.

    A daemon that does not listen is ended by signal; one that is gone is cleaned up after.
    Raises: DaemonError, when it cannot be stopped.
    """
    folder = locate_folder() or choose_folder()
    keep_history = _keeps_history(folder)
    lock = Lock(folder / names.DAEMON_LOCK)
    was_running = not lock.acquire()
    if was_running:
        pid = _holder(folder, HOLDER_TIMEOUT_S)
        _ask_to_stop(folder, pid, handover)
        if not _acquire_or_gone(lock):
            _signal(pid, "SIGKILL")
            if not _acquire_or_gone(lock):
                raise DaemonError(f"the daemon (pid {pid}) does not end")
        if pid is not None:
            _wait_for_end(pid)
    try:
        _remove_abandoned_start_lock(folder)
        leftovers = remove_leftovers(folder, keep_live=handover, keep_history=keep_history)
        if not handover:
            _remove_scrape_files()
        return Stopped(was_running, leftovers)
    finally:
        lock.release()
        remove_private_folder(folder)


def _keeps_history(folder: Path) -> bool:
    """Whether the history outlives a stop, as the daemon was told; without one, as we are."""
    try:
        return open_set(folder, current_identity()).settings.policy.get("keep_history") is True
    except CcoError:
        pass
    try:
        return load_config().keep_history
    except ConfigInvalid:
        return True


def _remove_scrape_files() -> None:
    """Take away what a killed daemon left for a Prometheus: its token in plain."""
    from cco.daemon.telemetry.scrape_files import remove_scrape_files

    with suppress(ConfigInvalid):
        remove_scrape_files(load_config().metrics_folder)


def _remove_abandoned_start_lock(folder: Path) -> None:
    """Take it away unless somebody is starting a daemon right now."""
    with suppress(FolderUnusable), Lock(folder / names.START_LOCK) as lock:
        lock.acquire()


def _acquire_or_gone(lock: Lock) -> bool:
    """Take an ending daemon's lock; its private folder may go away with it."""
    try:
        return lock.acquire(STOP_TIMEOUT_S)
    except FolderUnusable:
        return not lock.path.parent.exists()


def _ask_to_stop(folder: Path, pid: int | None, handover: bool) -> None:
    try:
        settings = open_set(folder, current_identity()).settings
        with Connection(settings.port) as connection:
            if connection.prove(settings.token):
                body = json.dumps({"handover": handover}).encode()
                path = "/api/v1/shutdown"
                response = connection.request("POST", path, token=settings.token, body=body)
                if response.status == 202:
                    return
    except CcoError:
        pass  # its settings are gone or refused: the signal below is what is left
    _signal(pid, "SIGTERM")


def _holder(folder: Path, timeout_s: float = 0.0) -> int | None:
    """The process id in the daemon's lock file, which follows a moment after the lock."""
    deadline = time.monotonic() + timeout_s
    while True:
        with suppress(CcoError, ValueError):
            return int(read_private(folder / names.DAEMON_LOCK, limit_bytes=4096).split(b"\0")[0])
        if time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_S)


def _signal(pid: int | None, name: str) -> None:
    if pid is not None:
        with suppress(OSError):
            os.kill(pid, getattr(signal, name, signal.SIGTERM))


def _wait_for_end(pid: int) -> None:
    """Wait until a process that let go of its lock has ended, reaped by its parent or not."""
    import psutil

    deadline = time.monotonic() + STOP_TIMEOUT_S
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() >= deadline:
                raise DaemonError(f"the daemon (pid {pid}) cleaned up but does not end")
            time.sleep(_POLL_S)
