"""Start the daemon once, however many ask, and stop it whatever its state."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from cco.config import Config, load_config
from cco.daemon.client import Connection
from cco.daemon.rendezvous import find_alive
from cco.daemon.spawning import START_TIMEOUT_S, spawn
from cco.errors import (
    CcoError,
    ConfigInvalid,
    DaemonAlreadyRunning,
    DaemonError,
    DaemonNotRunning,
    DaemonUnresponsive,
    FolderUnusable,
    SealedFileForeign,
    SealError,
)
from cco.folders import belongs_to_another
from cco.sealing import names
from cco.sealing.folder import (
    choose_folder,
    is_taken,
    locate_folder,
    other_places,
    remove_leftovers,
    remove_private_folder,
    retreat,
)
from cco.sealing.identity import current_identity
from cco.sealing.keys import Identity
from cco.sealing.locks import Lock, is_held
from cco.sealing.private_files import is_ours, read_private, remove, write_private
from cco.sealing.sealed_set import SealedSet, open_set

ANSWER_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 10.0
_POLL_S = 0.02
_LOOK_AGAIN_S = 0.5
_END_IT = "End that process yourself; one that even kill -9 does not end hangs in the system."
Notify = Callable[[str], None]


class Stopped(NamedTuple):
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
    with _starting(choose_folder()):  # of many restarts, one after the other
        stop(handover=True)
        try:
            return _start_now(identity, config, port, notify)
        except BaseException:
            if port is not None:
                stop()
            raise


def _start(identity: Identity, config: Config, port: int | None, notify: Notify) -> SealedSet:
    folder = choose_folder()
    try:
        return _start_in(folder, identity, config, port, notify)
    except FolderUnusable:
        if not retreat(folder):
            raise
    return _start_in(choose_folder(), identity, config, port, notify)


def _start_in(
    folder: Path, identity: Identity, config: Config, port: int | None, notify: Notify
) -> SealedSet:
    try:
        with _starting(folder):
            return _start_now(identity, config, port, notify)
    finally:
        remove_private_folder(folder)  # if nothing is in it


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    """Be the only one who starts a daemon in a folder."""
    lock = Lock(folder / names.START_LOCK)
    if not lock.acquire(START_TIMEOUT_S):
        raise DaemonError(
            f"another cco has been starting the daemon for {START_TIMEOUT_S:.0f} s",
            advice="Try again in a moment; if that does not help: cco doctor",
        )
    with lock:
        yield


def _start_now(identity: Identity, config: Config, port: int | None, notify: Notify) -> SealedSet:
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    while True:
        with suppress(DaemonNotRunning):
            return _running(identity, port)
        _take_along()
        try:
            report = spawn(port)
            break
        except DaemonAlreadyRunning:  # one that starts itself, perhaps in another folder
            if time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)
    if port is None and report["port"] != config.port and not report["kept_port"]:
        notify(f"port {config.port} is not free; the daemon uses {report['port']}")
    if belongs_to_another(home := os.environ.get("HOME", "")):
        notify(f"HOME ({home}) belongs to another account; cco does not use it")
    for line in report.get("refused", ()):
        notify(f"left out: {line}")
    try:
        return find_alive(identity, patience_s=ANSWER_TIMEOUT_S)
    except DaemonNotRunning:
        if not stop(handover=report["kept_port"]).was_running:
            raise
        raise DaemonUnresponsive(
            "the daemon served, but nothing reached it at 127.0.0.1; it was ended again",
            advice="The loopback network is down here, or kept from programs: see to that first.",
        ) from None


def _take_along() -> None:
    """Bring what the next daemon takes up to where it will look, where that is another folder.

    As when another account took a name of ours that a cleaner had freed.
    Raises: FolderUnusable.
    """
    left, folder = locate_folder(), choose_folder()
    if left is None or left == folder or is_held(left / names.DAEMON_LOCK):
        return
    taken = [folder / name for name in (names.HISTORY, names.SETTINGS)]
    try:
        for path in taken:
            with suppress(SealError):
                write_private(path, read_private(left / path.name))
    except BaseException:  # as on a full disk: the run stays where it is whole
        for path in taken:
            remove(path)
        raise
    remove_leftovers(left, keep_live=False)


def _running(identity: Identity, port: int | None) -> SealedSet:
    """The daemon that runs already.

    Raises: DaemonNotRunning; DaemonAlreadyRunning, where it cannot be the one that is wanted.
    """
    try:
        sealed = find_alive(identity)
    except SealError as error:
        folder = locate_folder() or choose_folder()
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


def stop(*, handover: bool = False) -> Stopped:
    """Stop the daemon and see that nothing is left; with `handover` its files stay for the next.

    A daemon that does not listen is ended by signal; one that is gone is cleaned up after.
    Raises: DaemonError, when it cannot be stopped.
    """
    folder = locate_folder() or choose_folder()
    others = other_places(folder)
    try:
        return _stop_in(folder, handover=handover)
    finally:
        if not handover:
            _remove_abandoned_runs(others)


def _remove_abandoned_runs(places: list[Path]) -> None:
    """Take away what killed daemons left where the one that was stopped was not."""
    for other in places:
        if is_ours(other / names.SETTINGS) and not is_taken(other):
            remove_leftovers(other, keep_live=False, keep_history=_keeps_history(other))
            remove_private_folder(other)


def _stop_in(folder: Path, *, handover: bool) -> Stopped:
    keep_history = _keeps_history(folder)
    lock = Lock(folder / names.DAEMON_LOCK)
    was_running = not lock.acquire()
    try:
        if was_running:
            _end_holder(lock, handover)
        _remove_abandoned_start_lock(folder)
        leftovers = remove_leftovers(folder, keep_live=handover, keep_history=keep_history)
        if not handover:
            _remove_scrape_files()
            _demand_removed(folder, was_running=was_running)
        return Stopped(was_running, leftovers)
    finally:
        lock.release()
        remove_private_folder(folder)


def _demand_removed(folder: Path, *, was_running: bool) -> None:
    """Raises: FolderUnusable, where the folder keeps what is to go."""
    if any(is_ours(folder / name) for name in (*names.SEALED, names.BRIDGE, names.PLUGIN)):
        told = "is stopped" if was_running else "was not running"
        raise FolderUnusable(
            f"the daemon {told}, but its files cannot be removed from {folder}",
            advice="Make that folder writable, then run again: cco daemon stop",
        )


def _end_holder(lock: Lock, handover: bool) -> None:
    """End the daemon that holds the lock, and take it; one that just starts is waited for.

    Raises: DaemonError, when it does not end.
    """
    folder = lock.path.parent
    asked: int | None = None
    seen = False
    for kill in (False, True):
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while time.monotonic() < deadline:
            pid = _holder(folder)
            if pid is not None and pid != asked:
                seen = _has_open(pid, lock.path)  # not so from another namespace of processes
                _ask_to_stop(folder, pid, handover)
                asked = pid
            if kill:
                _signal(folder, asked, "SIGKILL")
            if _acquire_or_gone(lock):
                if asked is not None and seen:
                    _wait_for_end(asked)
                return
    raise DaemonError(f"the daemon (pid {asked}) does not end", advice=_END_IT)


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
        return lock.acquire(_LOOK_AGAIN_S)
    except FolderUnusable:
        return not lock.path.parent.exists()


def _ask_to_stop(folder: Path, pid: int, handover: bool) -> None:
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
    _signal(folder, pid, "SIGTERM")


def _holder(folder: Path) -> int | None:
    """The process id in the daemon's lock file, which follows a moment after the lock."""
    with suppress(CcoError, ValueError):
        return int(read_private(folder / names.DAEMON_LOCK, limit_bytes=4096).split(b"\0")[0])
    return None


def _signal(folder: Path, pid: int | None, name: str) -> None:
    if pid is not None and _has_open(pid, folder / names.DAEMON_LOCK):
        with suppress(OSError):
            os.kill(pid, getattr(signal, name, signal.SIGTERM))


def _has_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open; an id in a file may be of another process by now."""
    if sys.platform == "win32":  # nobody else can have written it while it was locked
        return True
    import psutil

    try:
        return any(one.path == os.path.realpath(path) for one in psutil.Process(pid).open_files())
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False


def _wait_for_end(pid: int) -> None:
    """Wait until a process that let go of its lock has ended, reaped by its parent or not."""
    import psutil

    deadline = time.monotonic() + STOP_TIMEOUT_S
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() >= deadline:
                raise DaemonError(
                    f"the daemon (pid {pid}) cleaned up but does not end", advice=_END_IT
                )
            time.sleep(_POLL_S)
