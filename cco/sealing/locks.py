"""Locks that end with their holder and leave no file behind."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from cco.errors import FolderUnusable
from cco.sealing.private_files import unwritable

_POLL_S = 0.02
_FLAGS = (
    os.O_RDWR
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_WINDOWS_LOCKED_BYTE = 1 << 20
_HELD = frozenset((errno.EWOULDBLOCK, errno.EACCES, errno.EINTR))
_NO_LOCKS = frozenset((errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP))


class Lock:
    """An exclusive lock on a file that its holder removes again.

    Since the file goes away, a lock counts only when the locked file still has its name; whoever
    locked a removed one tries again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def acquire(self, timeout_s: float = 0.0) -> bool:
        """Take the lock, waiting at most so long; the descriptor is not inherited by children.

        Raises: FolderUnusable.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            if self._try():
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)

    def _try(self) -> bool:
        try:
            fd, made = self._open()
        except PermissionError as error:
            if sys.platform == "win32":  # being deleted by its last holder
                return False
            raise _unlockable(self.path, error) from None
        except OSError as error:
            raise _unlockable(self.path, error) from None
        try:
            self._check(os.fstat(fd))
            if sys.platform != "win32":
                os.fchmod(fd, 0o600)  # else nobody would believe the id in it, not even to end it
            if _lock(fd) and _still_named(fd, self.path):
                self._restrict(fd)
                self._fd, fd = fd, -1
                return True
            return False
        except OSError as error:
            if made:  # nobody can hold it: nothing stays of what did not work
                with suppress(OSError):
                    self.path.unlink()
            raise _unlockable(self.path, error) from None
        finally:
            if fd >= 0:
                os.close(fd)

    def _open(self) -> tuple[int, bool]:
        """Open the file; whether it was made for that."""
        try:
            return os.open(self.path, _FLAGS | os.O_EXCL, 0o600), True
        except FileExistsError:
            return os.open(self.path, _FLAGS, 0o600), False

    def _restrict(self, fd: int) -> None:
        """Keep others out, and take out the id of a holder who was killed."""
        if sys.platform == "win32":
            from cco.sealing.windows_acl import restrict_to_owner

            with suppress(OSError):
                restrict_to_owner(self.path)
        else:
            os.ftruncate(fd, 0)

    def _check(self, status: os.stat_result) -> None:
        """Refuse what is no lock of ours. No link at all: its last holder just removed it."""
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise FolderUnusable(f"{self.path} is not a file of cco's", advice="Remove it.")
        if sys.platform != "win32" and status.st_uid != os.geteuid():
            raise FolderUnusable(f"{self.path} belongs to another user")

    def renew(self) -> bool:
        """Take the lock anew if its file was removed; whether it is still this process's.

        Raises: FolderUnusable.
        """
        lost = self._fd
        if lost is None or _still_named(lost, self.path):
            return lost is not None
        if not self._try():
            return False
        os.close(lost)
        self.write_pid()
        return True

    def is_anothers(self) -> bool:
        """Whether its name is another file's now, which somebody else may hold."""
        lost = self._fd is not None and not _still_named(self._fd, self.path)
        return lost and os.path.lexists(self.path)

    def write_pid(self) -> None:
        """Note the holder's process id, for whoever must end it without the settings.

        Raises: FolderUnusable.
        """
        if self._fd is not None:
            try:
                os.lseek(self._fd, 0, os.SEEK_SET)
                os.write(self._fd, f"{os.getpid():<10}".encode())
            except OSError as error:
                raise unwritable(self.path, error) from None

    def release(self) -> None:
        """Remove the file, then let go."""
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(fd)
            with suppress(OSError):
                self.path.unlink()
        else:
            if _still_named(fd, self.path):  # unless somebody removed it, and it is another's now
                with suppress(OSError):
                    self.path.unlink()
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """Whether somebody holds a lock, without making its file."""
    try:
        fd = os.open(path, _FLAGS & ~os.O_CREAT)
    except OSError:
        return False
    try:
        return not _lock(fd)
    except OSError:  # a file system without locks: nobody has one there
        return False
    finally:
        os.close(fd)


def _unlockable(path: Path, error: OSError) -> FolderUnusable:
    advice = None
    if error.errno in _NO_LOCKS:
        advice = "Its file system has no locks: point TMPDIR at a folder on a disk of this machine."
    return FolderUnusable(f"{path} cannot be locked: {error.strerror}", advice=advice)


def _lock(fd: int) -> bool:
    """Take a lock unless somebody has it.

    Raises: OSError, where there is none to be taken.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(fd, _WINDOWS_LOCKED_BYTE, os.SEEK_SET)  # beyond what others read
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if sys.platform == "win32" or error.errno in _HELD:  # of the reason Wine says nothing
            return False
        raise
    return True


def _still_named(fd: int, path: Path) -> bool:
    try:
        ours, named = os.fstat(fd), os.stat(path, follow_symlinks=False)
    except OSError:
        return False
    return (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino)
