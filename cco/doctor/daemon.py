"""The daemon: whether it runs, which version, on which port, and who else is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cco.build_info import VERSION
from cco.config import Config
from cco.daemon.client import Connection
from cco.daemon.log import log_path
from cco.doctor.finding import NOTE, OK, PROBLEM, Finding
from cco.doctor.situation import ALIVE, DEAD, HUNG, REFUSED, STRANGER, Situation
from cco.errors import CcoError, DaemonError, DaemonNotRunning
from cco.folders import state_folder
from cco.sealing import names

_SERVES = re.compile(r"cco \S+ serves on port (\d{1,5}) from (.+)$")
_STOPPED = re.compile(r" INFO +stopped; ")
_TAIL_BYTES = 64 * 1024
_PROBE_TIMEOUT_S = 0.25
_MAX_LOGS = 20


def examine(config: Config, situation: Situation) -> Iterator[Finding]:
    """Its state, version, port, log, and daemons of this user in other folders."""
    yield from _state(situation)
    yield from _version(situation)
    yield from _port(config, situation)
    yield from _log(situation)
    yield from _others(situation)


def _state(situation: Situation) -> Iterator[Finding]:
    finding_id, subject = "daemon.running", "daemon"
    sealed, port = situation.sealed, situation.port
    if situation.state == REFUSED:
        told = f"its settings are refused, so that nobody finds it: see {names.SETTINGS}"
        yield Finding(finding_id, subject, PROBLEM, told, "Run: cco daemon restart")
    elif sealed is None:
        told = "the daemon is not running; it starts with the next session"
        yield Finding(finding_id, subject, OK, told)
    elif situation.state == ALIVE:
        up = _duration(float(situation.health.get("uptime_s", 0)))
        told = f"runs on {sealed.settings.api_url} (pid {sealed.settings.pid}) for {up}"
        yield Finding(finding_id, subject, OK, told)
    elif situation.state == DEAD:
        told = (
            f"it ended without cleaning up {situation.folder}; the next session brings it back, "
            "with port, token and history"
        )
        yield Finding(finding_id, subject, NOTE, told, "To have it away: cco daemon stop")
    elif situation.state == STRANGER:
        owner = _owner(port) or "another program"
        told = f"it ended, and {owner} took port {port}; running sessions send it their events"
        advice = "Run: cco daemon restart, and start running sessions again."
        yield Finding(finding_id, subject, NOTE, told, advice)
    elif situation.state == HUNG:
        told = f"pid {sealed.settings.pid} holds port {port} and does not answer"
        yield Finding(finding_id, subject, PROBLEM, told, "Run: cco daemon restart")


def _version(situation: Situation) -> Iterator[Finding]:
    sealed = situation.sealed
    if sealed is None:
        return
    theirs = sealed.settings.version
    finding_id, subject = "daemon.version", "its version"
    if theirs == VERSION:
        yield Finding(finding_id, subject, OK, theirs)
    else:
        told = f"{theirs}, and this program is {VERSION}"
        yield Finding(finding_id, subject, NOTE, told, "To have both alike: cco daemon restart")


def _port(config: Config, situation: Situation) -> Iterator[Finding]:
    finding_id, subject = "daemon.port", "port"
    port, wanted = situation.port, config.port
    if situation.state == ALIVE and port == wanted:
        yield Finding(finding_id, subject, OK, f"{port}, held by the daemon")
        return
    owner = _owner(wanted) if answers(wanted) else None
    taken = owner is not None
    if situation.state == ALIVE:
        instead = f"; {wanted} is {f'held by {owner}' if taken else 'free by now'}"
        yield Finding(finding_id, subject, OK, f"{port}, held by the daemon{instead}")
    elif taken and port != wanted:
        told = f"{wanted} is held by {owner}: the daemon will take the next free one"
        advice = "End that program, or choose another port: CCO_PORT, or port in config.toml."
        yield Finding(finding_id, subject, NOTE, told, advice)
    elif not taken:
        yield Finding(finding_id, subject, OK, f"{wanted} is free")


def _owner(port: int | None) -> str | None:
    from cco.daemon.sockets import port_owner

    return None if port is None else port_owner(port) or "a process that is hidden from you"


def answers(port: int) -> bool:
    """Whether anybody listens on a port of loopback."""
    try:
        with Connection(port, timeout_s=_PROBE_TIMEOUT_S):
            return True
    except DaemonError:
        return False


def _log(situation: Situation) -> Iterator[Finding]:
    finding_id, subject = "daemon.log", "its log"
    try:
        path = log_path(situation.folder)
    except CcoError as error:
        yield Finding(finding_id, subject, NOTE, f"none is kept: {error}", error.advice)
        return
    if not path.exists():
        yield Finding(finding_id, subject, OK, "none yet")
        return
    lines = _tail(path)
    faults = [line for line in lines if " ERROR " in line]
    told = f"{path}, {path.stat().st_size // 1024} KiB"
    if faults:
        latest = faults[-1].partition(" | ")[0][:160]
        yield Finding(finding_id, subject, NOTE, f"{told}; {latest}", "See: cco daemon logs")
    else:
        yield Finding(finding_id, subject, OK, told)


def _others(situation: Situation) -> Iterator[Finding]:
    """Daemons that serve without being found from here: other temp folders, or a wiped one."""
    for path in _logs():
        serving = _serving(path)
        if serving is None or serving[0] == situation.port:
            continue
        port, folder = serving
        if not _is_daemon(port):
            continue
        settings = Path(folder) / names.SETTINGS
        if settings.exists() and Path(folder) != situation.folder:
            told = f"another daemon of yours serves {folder} on port {port}"
            yield Finding("daemon.others", "other daemons", OK, told)
        elif not settings.exists():
            owner = _owner(port)
            told = f"{owner} still serves port {port}, but its files in {folder} were wiped"
            advice = "A cleaner may have done it. End that process, then run: cco daemon start"
            yield Finding("daemon.wiped", "wiped daemon", PROBLEM, told, advice)


def serves_unseen(folder: Path) -> bool:
    """Whether a daemon of this user runs on in a folder from which its settings are gone."""
    found = [_serving(path) for path in _logs()]
    return any(one is not None and one[1] == str(folder) and _is_daemon(one[0]) for one in found)


def _logs() -> list[Path]:
    try:
        return sorted(state_folder().glob("daemon-*.log"))[:_MAX_LOGS]
    except (CcoError, OSError):
        return []


def _serving(path: Path) -> tuple[int, str] | None:
    """Port and folder of the daemon that wrote a log, if it did not say that it stopped."""
    found: tuple[int, str] | None = None
    for line in _tail(path):
        serves = _SERVES.search(line)
        if serves:
            found = (int(serves[1]), serves[2])
        elif _STOPPED.search(line):
            found = None
    return found


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _is_daemon(port: int) -> bool:
    """Whether what answers on a port looks like a daemon of cco's."""
    try:
        with Connection(port, timeout_s=_PROBE_TIMEOUT_S) as connection:
            return b'"instance"' in connection.request("GET", "/health").body
    except (DaemonNotRunning, DaemonError):
        return False


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
