"""Files that only their owner may read, in folders that others may write to.

Nothing is trusted by its name: what is opened is checked on the open descriptor before a byte
is used, and what is created is created new, then renamed into place.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from cco.errors import FolderUnusable, SealedFileMissing, SealedFileTruncated, SealedFileUnsafe
from cco.sealing.names import DRAFT_SUFFIX

MAX_BYTES = 16 * 1024 * 1024
_REPLACED_MEANWHILE_TRIES = 20
_HELD_OPEN_TRIES = 75
_HELD_OPEN_POLL_S = 0.02
_Result = TypeVar("_Result")
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_APPEND_FLAGS = (_OPEN_FLAGS & ~os.O_RDONLY) | os.O_WRONLY | os.O_APPEND
_CREATE_FLAGS = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def read_private(path: Path, *, limit_bytes: int = MAX_BYTES) -> bytes:
    """Read a file that is regular, this user's alone, under one name, and not too large.

    Raises: SealedFileMissing, SealedFileUnsafe, SealedFileTruncated.
    """
    for _ in range(_REPLACED_MEANWHILE_TRIES):
        data = _read_checked(path, limit_bytes)
        if data is not None:
            return data
    raise SealedFileUnsafe(f"{path} is being replaced again and again")


def _read_checked(path: Path, limit_bytes: int) -> bytes | None:
    opened = _open_checked(path, _OPEN_FLAGS, limit_bytes)
    if opened is None:
        return None
    fd, size_bytes = opened
    with os.fdopen(fd, "rb") as file:
        data = file.read(limit_bytes + 1)
    if len(data) != size_bytes:
        raise SealedFileTruncated(f"{path} changed its size while it was read")
    return data


def _open_checked(path: Path, flags: int, limit_bytes: int) -> tuple[int, int] | None:
    """Open a file, check what was opened, and tell its size; None if it was just replaced."""
    try:
        if sys.platform == "win32":
            fd = when_closed(lambda: os.open(path, flags))
        else:
            fd = os.open(path, flags)
    except FileNotFoundError:
        raise SealedFileMissing(f"{path} does not exist") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK):
            raise SealedFileUnsafe(f"{path} is a symbolic link") from None
        raise SealedFileUnsafe(f"{path} cannot be opened: {error.strerror}") from None
    try:
        status = os.fstat(fd)
        if status.st_nlink == 0:  # replaced between open and fstat: the new one counts
            os.close(fd)
            return None
        _check(path, status, limit_bytes)
        if sys.platform == "win32":
            from cco.sealing.windows_acl import check_owner_only

            named = os.lstat(path)  # the open file keeps its name there, so that this holds
            if (named.st_dev, named.st_ino) != (status.st_dev, status.st_ino):
                raise SealedFileUnsafe(f"{path} is a symbolic link")
            check_owner_only(path)
    except BaseException:
        os.close(fd)
        raise
    return fd, status.st_size


def append_private(path: Path, data: bytes, *, size_bytes: int) -> None:
    """Write behind the end of a file that is private, and just as long as it was left.

    Raises: SealedFileMissing, SealedFileUnsafe, SealedFileTruncated, FolderUnusable.
    """
    opened = _open_checked(path, _APPEND_FLAGS, MAX_BYTES - len(data))
    if opened is None:
        raise SealedFileMissing(f"{path} was replaced")
    fd, found_bytes = opened
    try:
        with os.fdopen(fd, "ab") as file:
            if found_bytes != size_bytes:
                raise SealedFileTruncated(f"{path} has {found_bytes} bytes, not {size_bytes}")
            file.write(data)
    except OSError as error:
        raise unwritable(path, error) from None


def _check(path: Path, status: os.stat_result, limit_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SealedFileUnsafe(f"{path} is not a regular file")
    if sys.platform != "win32":
        if status.st_uid != os.geteuid():
            raise SealedFileUnsafe(f"{path} belongs to another user (uid {status.st_uid})")
        if status.st_mode & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise SealedFileUnsafe(f"{path} is open to others (mode {mode:04o})")
    if status.st_nlink != 1:
        raise SealedFileUnsafe(f"{path} has {status.st_nlink} names")
    if status.st_size > limit_bytes:
        raise SealedFileUnsafe(f"{path} has {status.st_size} bytes; the limit is {limit_bytes}")


def write_private(path: Path, data: bytes) -> None:
    """Create or replace a file that only its owner may read.

    Readers see the old file or the new one, never a part.
    Raises: FolderUnusable.
    """
    draft = draft_path(path)
    try:
        fd = create_private(draft)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            publish_private(draft, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> FolderUnusable:
    """The error for a file that cannot be written, with what helps against it."""
    advice = None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        advice = "Make room there, then try again."
    elif error.errno == errno.EFBIG:
        advice = "Raise the limit on the size of files: ulimit -f"
    return FolderUnusable(f"{path} cannot be written: {error.strerror}", advice=advice)


def create_private(path: Path) -> int:
    """Create a new file that only its owner may read.

    Returns: a descriptor to write to. Raises: OSError.
    """
    if sys.platform == "win32":
        from cco.sealing import windows_acl

        return windows_acl.create_private(path)
    fd = os.open(path, _CREATE_FLAGS, 0o600)
    try:
        os.fchmod(fd, 0o600)  # whatever the umask is
    except BaseException:
        os.close(fd)
        with suppress(OSError):
            os.unlink(path)
        raise
    return fd


def publish_private(draft: Path, path: Path) -> None:
    """Rename a draft over the name that it was made for.

    Raises: OSError.
    """
    if sys.platform == "win32":
        when_closed(lambda: os.replace(draft, path))
    else:
        os.replace(draft, path)


def when_closed(act: Callable[[], _Result]) -> _Result:
    """Windows: open, replace or remove a file as soon as nobody else is in the way.

    Raises: OSError, when somebody still is after a while.
    """
    for _ in range(_HELD_OPEN_TRIES):
        try:
            return act()
        except PermissionError:
            time.sleep(_HELD_OPEN_POLL_S)
    return act()


def draft_path(path: Path) -> Path:
    """A fresh name beside a file, to be renamed over it."""
    return path.with_name(f"{path.name}.{os.urandom(8).hex()}{DRAFT_SUFFIX}")


def make_private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, or accept one that is so already.

    Raises: FolderUnusable.
    """
    try:
        path.mkdir(mode=0o700)
        if sys.platform == "win32":
            from cco.sealing.windows_acl import restrict_to_owner

            restrict_to_owner(path)
        else:
            path.chmod(0o700)  # whatever the umask took away
    except FileExistsError:
        pass
    except OSError as error:
        raise FolderUnusable(f"{path} cannot be made: {error.strerror}") from None
    fault = private_folder_fault(path)
    if fault is not None:
        raise FolderUnusable(f"{path} {fault}")


def private_folder_fault(path: Path) -> str | None:
    """Why a folder is not this user's alone; None if it is."""
    try:
        status = path.lstat()
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if not stat.S_ISDIR(status.st_mode):
        return "is not a folder"
    if sys.platform != "win32":
        if status.st_uid != os.geteuid():
            return "belongs to another user"
        if status.st_mode & 0o077:
            return f"is open to others (mode {stat.S_IMODE(status.st_mode):04o})"
    else:
        from cco.sealing.windows_acl import check_owner_only

        try:
            check_owner_only(path)
        except SealedFileUnsafe:
            return "belongs to another user or is open to others"
    return None


def is_ours(path: Path) -> bool:
    """Whether a name exists (a symbolic link counts as itself) and belongs to this user."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return sys.platform == "win32" or status.st_uid == os.geteuid()


def held_by_another(path: Path) -> bool:
    """Whether a name exists and belongs to somebody else."""
    return os.path.lexists(path) and not is_ours(path)


def remove(path: Path) -> bool:
    """Remove a file or folder of this user's; leave anything else alone.

    Returns: whether something was removed.
    """
    if not is_ours(path):
        return False
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            import shutil

            shutil.rmtree(path)
        elif sys.platform == "win32":
            when_closed(path.unlink)
        else:
            path.unlink()
    except OSError:
        return False
    return True
