"""What earlier runs left behind, and what of it can safely go."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cco.daemon.launch_copies import unnamed
from cco.doctor.daemon import serves_unseen
from cco.doctor.finding import NOTE, OK, Finding, Fix
from cco.doctor.situation import ABSENT, Situation
from cco.errors import CcoError
from cco.installation.leftovers import copy_stores
from cco.sealing import names
from cco.sealing.folder import bridge_copies, remove_private_folder
from cco.sealing.locks import Lock
from cco.sealing.private_files import is_ours, remove

DRAFT_AGE_S = 60.0
"""An older draft belongs to nobody who still writes."""


def examine(situation: Situation) -> Iterator[Finding]:
    """Drafts, locks, files without their settings, copies of the bridge, old unpacked copies."""
    looks = (
        _orphans(situation),
        _drafts(situation.folder),
        _bridge_copies(situation),
        _start_lock(situation.folder),
        _unpacked_copies(),
    )
    found = [finding for finding in looks if finding is not None]
    yield from found or [Finding("leftovers.none", "leftovers", OK, "none")]


def _orphans(situation: Situation) -> Finding | None:
    """What is of no use without its settings. With them, the next start takes all of it up."""
    folder = situation.folder
    if situation.state != ABSENT or not _orphaned(folder):
        return None
    return Finding(
        "leftovers.orphans",
        "orphaned files",
        NOTE,
        f"{len(_orphaned(folder))} files in {folder} are of a daemon whose settings are gone",
        "The next start replaces them, and cco doctor --fix removes them.",
        Fix("removes them unless a daemon holds the folder", lambda: _clean_up(folder)),
    )


def _orphaned(folder: Path) -> list[Path]:
    return _ours(folder / name for name in (*names.MEMBERS, names.BRIDGE, names.PLUGIN))


def _clean_up(folder: Path) -> str:
    """Remove them under the daemon's lock; one that was wiped may run on without that, too."""
    if serves_unseen(folder):
        return ""
    lock = Lock(folder / names.DAEMON_LOCK)
    if not lock.acquire():
        return ""
    try:
        if is_ours(folder / names.SETTINGS):  # a daemon came up meanwhile
            return ""
        return _removed(_orphaned(folder), "files of a daemon that is gone")
    finally:
        lock.release()
        remove_private_folder(folder)


def _sessions(folder: Path) -> Iterator[int]:
    """The processes of this user that were launched with the files of a folder."""
    import psutil

    settings = str(folder / names.SETTINGS)
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            mine = process.pid == os.getpid()
            if not mine and process.environ().get("ORCHESTRATOR_SETTINGS") == settings:
                yield process.pid


def _drafts(folder: Path) -> Finding | None:
    drafts = _old_drafts(folder)
    if not drafts:
        return None
    return Finding(
        "leftovers.drafts",
        "drafts",
        NOTE,
        f"{len(drafts)} unfinished files in {folder}, of somebody who was killed while writing",
        "The next start removes them, and so does cco doctor --fix.",
        Fix("removes them", lambda: _removed(_old_drafts(folder), "unfinished files")),
    )


def _old_drafts(folder: Path) -> list[Path]:
    return [one for one in _ours(folder.glob(f".cco-*{names.DRAFT_SUFFIX}")) if _is_old(one)]


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > DRAFT_AGE_S
    except OSError:
        return False


def _ours(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if is_ours(path))


def _removed(paths: Iterable[Path], what: str) -> str:
    count = sum(map(remove, paths))
    return f"removed {count} {what}" if count else ""


def _bridge_copies(situation: Situation) -> Finding | None:
    """Copies for single launches; those of sessions that run are in somebody's argument list."""
    folder = situation.folder
    copies = _ours(bridge_copies(folder))
    if not copies:
        return None
    stale = _stale_copies(folder)
    if not stale:
        told = f"{len(copies)}, each of a session that runs"
        return Finding("leftovers.bridge_copies", "settings copies", OK, told)
    return Finding(
        "leftovers.bridge_copies",
        "settings copies",
        NOTE,
        f"{len(stale)} of {len(copies)} private copies of settings are of no process that runs",
        "They go with the daemon, or now: cco doctor --fix",
        Fix("removes them", lambda: _removed(_stale_copies(folder), "settings copies")),
    )


def _stale_copies(folder: Path) -> list[Path]:
    """The copies that no process names and that are not of a launch under way.

    Where processes hide, nothing counts as stale.
    """
    if any(_sessions(folder)):
        return []
    old = [one for one in _ours(bridge_copies(folder)) if _is_old(one)]
    return unnamed(old) if old else []


def _start_lock(folder: Path) -> Finding | None:
    path = folder / names.START_LOCK
    if not is_ours(path) or not _is_old(path):
        return None
    return Finding(
        "leftovers.start_lock",
        "start lock",
        NOTE,
        f"{path} is left of a start that was killed, or of one under way",
        "It stops nobody. The next stop removes it, and so does cco doctor --fix.",
        Fix("removes it unless it is held", lambda: _remove_lock(path)),
    )


def _remove_lock(path: Path) -> str:
    if not is_ours(path):
        return ""
    with suppress(CcoError), Lock(path) as lock:
        if lock.acquire():
            return f"removed {path.name}"
    return ""


def _unpacked_copies() -> Finding | None:
    """Copies of other versions: the launcher removes them when it unpacks the next one."""
    copies = _old_copies()
    if not copies:
        return None
    return Finding(
        "leftovers.copies",
        "old copies",
        NOTE,
        f"{len(copies)} unpacked copies of other versions: {', '.join(map(str, copies))}",
        "The next version that is unpacked removes those that nobody runs from,\n"
        "and so does cco doctor --fix.",
        Fix("removes those that nobody runs from", _remove_copies),
    )


def _old_copies() -> list[Path]:
    if not getattr(sys, "frozen", False):  # which of them are old, only a copy knows
        return []
    running = Path(sys.executable).parent
    found = []
    for store in copy_stores(os.environ):
        with suppress(OSError):
            found += [
                one
                for one in sorted(store.iterdir())
                if _is_copy(one) and not (one.samefile(running))
            ]
    return found


def _is_copy(path: Path) -> bool:
    is_id = len(path.name) == 32 and all(one in "0123456789abcdef" for one in path.name)
    return is_id and is_ours(path) and path.is_dir() and not path.is_symlink()


def _remove_copies() -> str:
    removed = [one for one in _old_copies() if _remove_copy(one)]
    return f"removed {len(removed)} unpacked copies of other versions" if removed else ""


def _remove_copy(path: Path) -> bool:
    """Remove a copy that nobody runs from: who does holds a shared lock on it (removal.c)."""
    if sys.platform == "win32":  # what runs cannot be removed there, and is not half removed
        aside = path.with_name(f".aside-{path.name}")
        try:
            path.rename(aside)
        except OSError:
            return False
        shutil.rmtree(aside, ignore_errors=True)
        return True
    import fcntl

    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        aside = path.with_name(f".aside-{path.name}")
        path.rename(aside)  # nobody starts from a copy that is half removed
        _make_removable(aside)
        shutil.rmtree(aside)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _make_removable(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
