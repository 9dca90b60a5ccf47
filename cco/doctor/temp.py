"""The temp folder: whether it takes our files, and keeps them."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from cco.doctor.finding import NOTE, OK, PROBLEM, Finding
from cco.doctor.situation import Situation
from cco.sealing.private_files import private_folder_fault
from cco.sealing.replaceable import replaceable_part

ROOM_BYTES = 64 * 1024 * 1024
"""What a daemon needs at most: four files, a history of 16 MiB and the next one beside it."""
_MIB = 1 << 20
_NOEXEC = getattr(os, "ST_NOEXEC", 0)
_NO_NAMELESS_FILES = frozenset((errno.EOPNOTSUPP, errno.EINVAL))
_ELSEWHERE = "Point TMPDIR (Windows: TEMP) at a folder of yours, and launch from there."


def examine(situation: Situation) -> Iterator[Finding]:
    """The folder, who else may write to it, its room and its mount."""
    folder, temp = situation.folder, situation.temp
    yield _folder(folder, temp)
    if not folder.is_dir():
        return
    yield from _shared(folder)
    yield _room(folder)
    yield from _mount(folder)
    yield from _environment(folder)


def _folder(folder: Path, temp: Path) -> Finding:
    finding_id, subject = "temp.folder", "temp folder"
    if folder != temp:
        fault = private_folder_fault(folder) if os.path.lexists(folder) else None
        if fault is not None:
            told = f"{_why_elsewhere(temp)}, and {folder} {fault}"
            return Finding(finding_id, subject, PROBLEM, told, _ELSEWHERE)
        return Finding(finding_id, subject, NOTE, f"{folder}, since {_why_elsewhere(temp)}")
    fault = unwritable(folder)
    if fault is not None:
        return Finding(finding_id, subject, PROBLEM, f"{folder} {fault}", _ELSEWHERE)
    named = os.environ.get("TEMP" if sys.platform == "win32" else "TMPDIR")
    if named and Path(named) != temp:
        told = f"{temp}, since TMPDIR names {named}, which is no folder"
        return Finding(finding_id, subject, NOTE, told, "Correct TMPDIR, or unset it.")
    return Finding(finding_id, subject, OK, str(folder))


def _why_elsewhere(temp: Path) -> str:
    part = replaceable_part(temp)
    if part is None:
        return f"another user holds or held names of ours in {temp}"
    return f"other users can replace what is in {part} (no sticky bit, or not yours)"


def unwritable(folder: Path) -> str | None:
    """Why no file can be made in a folder; None if one can. Leaves nothing, not for a moment."""
    nameless = getattr(os, "O_TMPFILE", 0)
    if nameless:
        try:
            fd = os.open(folder, nameless | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                return _no_home_for_ours(fd)
            finally:
                os.close(fd)
        except IsADirectoryError:
            pass  # a kernel that knows no nameless files
        except OSError as error:
            if error.errno not in _NO_NAMELESS_FILES:
                return f"takes no files: {error.strerror}"
    return None if os.access(folder, os.W_OK | os.X_OK) else "is not writable"


def _no_home_for_ours(fd: int) -> str | None:
    """Why a folder that takes files is none for ours, told by a nameless one in it."""
    import fcntl

    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return f"has no locks: {error.strerror}"
    try:
        os.fchmod(fd, 0o600)
    except OSError as error:
        return f"keeps no permissions: {error.strerror}"
    mode = stat.S_IMODE(os.fstat(fd).st_mode)
    return None if mode == 0o600 else f"keeps no permissions: a file of 0600 has {mode:04o}"


def _shared(temp: Path) -> Iterator[Finding]:
    if sys.platform == "win32":
        return
    status = temp.stat()
    finding_id, subject = "temp.shared", "who may write there"
    if not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield Finding(finding_id, subject, OK, "you alone")
    elif status.st_mode & stat.S_ISVTX:
        yield Finding(finding_id, subject, OK, "others too, but nobody can move files of yours")
    else:
        yield Finding(
            finding_id,
            subject,
            PROBLEM,
            f"others too, and they can remove and replace files of yours in {temp}",
            f"Ask root for chmod +t {temp}. {_ELSEWHERE}",
        )


def _room(folder: Path) -> Finding:
    import shutil

    free = shutil.disk_usage(folder).free
    told = f"{free // _MIB} MiB free"
    if free < ROOM_BYTES:
        wanted = f"{told}; cco may need up to {ROOM_BYTES // _MIB}"
        state = PROBLEM if free < _MIB else NOTE
        return Finding("temp.room", "its room", state, wanted, f"Make room in {folder}.")
    inodes = os.statvfs(folder) if sys.platform != "win32" else None
    if inodes is not None and inodes.f_files and inodes.f_favail < 200:
        told = f"{told}, but for {inodes.f_favail} files only; cco makes about 130"
        return Finding("temp.room", "its room", PROBLEM, told, f"Remove files from {folder}.")
    return Finding("temp.room", "its room", OK, told)


def _mount(folder: Path) -> Iterator[Finding]:
    if sys.platform == "win32":
        return
    flags = os.statvfs(folder).f_flag
    if flags & _NOEXEC:
        told = "mounted noexec: cco runs nothing from there, and does not mind"
        yield Finding("temp.noexec", "its mount", OK, told)
    else:
        yield Finding("temp.noexec", "its mount", OK, "read and write")


def _environment(folder: Path) -> Iterator[Finding]:
    """Inside a session: whether this shell looks where the session's daemon is."""
    named = os.environ.get("ORCHESTRATOR_SETTINGS")
    if not named:
        return
    theirs = os.path.dirname(named)
    if os.path.realpath(theirs) == os.path.realpath(folder):
        yield Finding("temp.session", "this session", OK, "its daemon uses the same folder")
    else:
        told = f"its daemon uses {theirs}, and this shell looks into {folder}"
        yield Finding("temp.session", "this session", NOTE, told, f"Set TMPDIR={theirs}")
