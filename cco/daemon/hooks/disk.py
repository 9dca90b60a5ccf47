"""Where a path leads, and what a look at the file tells; no look where one might block."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Iterable

import psutil

from cco.ledger.edits import ABSENT, File, Stamp

MAX_PATH_CHARS = 1_000
_MOUNTS_S = 30.0
_REMOTE = frozenset(
    "afpfs afs autofs beegfs ceph cifs davfs davfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 "
    "orangefs smb2 smb3 smbfs webdav".split()
)
_FUSE = "fuse."
"""Whatever a program of somebody's serves: sshfs, rclone, s3fs."""
_DRIVE_REMOTE = 4

Mounts = Callable[[], Iterable[tuple[str, str]]]
"""Mount points, each with the type of its file system."""


def _mounts() -> Iterable[tuple[str, str]]:
    return ((one.mountpoint, one.fstype) for one in psutil.disk_partitions(all=True))


class Disk:
    """Resolves paths. Where a network file system is mounted, a look could hang with its server
    and the daemon with it: there paths are compared as they are written."""

    def __init__(
        self, mounts: Mounts = _mounts, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read_mounts = mounts
        self._clock = clock
        self._remote_folders: tuple[str, ...] = ()
        self._local_folders: tuple[str, ...] = ()
        self._mounts_at: float | None = None

    def file(self, path: object, cwd: object = None) -> File | None:
        """Find the file that a path names, whether it exists or not.

        None for what is no path, is relative to nothing, or is longer than MAX_PATH_CHARS.
        """
        if not isinstance(path, str) or not path or "\0" in path:
            return None
        whole = os.path.join(cwd, path) if isinstance(cwd, str) else path
        if not os.path.isabs(whole) or len(whole) > MAX_PATH_CHARS:
            return None
        try:
            written = os.path.normpath(whole)
            if self._is_remote(written):
                return File(written, _printable(written))
            real = os.path.realpath(whole)
            if self._is_remote(real):
                return File(real, _printable(real))
            key = real.casefold() if _ignores_case(real) else real
            return File(key, _printable(real), _stamp(real))
        except (OSError, ValueError):  # names that no file can have
            return None

    def _is_remote(self, path: str) -> bool:
        if sys.platform == "win32":
            return _is_remote_drive(path)
        now = self._clock()
        if self._mounts_at is None or now - self._mounts_at > _MOUNTS_S:
            mounts = [(_as_prefix(point), kind) for point, kind in self._read_mounts()]
            remote = [point for point, kind in mounts if _is_remote_kind(kind)]
            self._remote_folders = tuple(remote)
            self._local_folders = tuple(
                point for point, kind in mounts if not _is_remote_kind(kind)
            )
            self._mounts_at = now
        inside = _as_prefix(path)
        depth = max((len(one) for one in self._remote_folders if inside.startswith(one)), default=0)
        return depth > max(
            (len(one) for one in self._local_folders if inside.startswith(one)), default=0
        )


def _is_remote_kind(kind: str) -> bool:
    return kind in _REMOTE or kind.startswith(_FUSE)


def _as_prefix(folder: str) -> str:
    return folder.rstrip(os.sep) + os.sep


def _is_remote_drive(path: str) -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    drive = os.path.splitdrive(path)[0]
    is_share = drive.startswith("\\\\") and not drive.startswith("\\\\?\\")
    return is_share or ctypes.windll.kernel32.GetDriveTypeW(drive + "\\") == _DRIVE_REMOTE


def _stamp(path: str) -> Stamp | None:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size) if stat.S_ISREG(status.st_mode) else None


def _ignores_case(path: str) -> bool:
    """Whether names lead to the same file in any case: asked of the nearest thing that exists."""
    while True:
        folder, name = os.path.split(path)
        if not name:
            return False
        other = os.path.join(folder, name.swapcase())
        if name.isascii() and other != path:
            try:
                here = os.stat(path)
            except OSError:
                pass
            else:
                try:
                    return os.path.samestat(here, os.stat(other))
                except OSError:
                    return False
        path = folder


def _printable(path: str) -> str:
    return "".join(one if one.isprintable() else "\ufffd" for one in path)
