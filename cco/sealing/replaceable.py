"""Whether other accounts could put files of theirs in the place of ours, whatever ours are like."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

_MOST_LINKS = 40  # as Linux follows
_ACL = "system.posix_acl_access"


def replaceable_part(folder: Path) -> Path | None:
    """What on the way to a folder lets other accounts put files of theirs in the place of ours.

    That is what belongs to neither this user nor root, and what others may write to without the
    sticky bit, which lets each remove only what is theirs. A group of this user's alone is none.
    Raises: OSError, where there is no such folder.
    """
    if sys.platform == "win32":
        return None
    for part, status in _way(os.path.abspath(folder)):
        if status.st_uid not in (0, os.geteuid()) or _others_write(part, status):
            return Path(part)
    return None


def _way(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every folder and link that the system goes through to a folder, links followed."""
    here, links = os.sep, 0
    yield here, os.lstat(here)
    left = [*reversed(path.split(os.sep))]
    while left:
        name = left.pop()
        if name in ("", "."):
            continue
        if name == "..":
            here = os.path.dirname(here)
            continue
        part = os.path.join(here, name)
        status = os.lstat(part)
        yield part, status
        if not stat.S_ISLNK(status.st_mode):
            here = part
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        target = os.readlink(part)
        here = os.sep if os.path.isabs(target) else here
        left += reversed(target.split(os.sep))


def _others_write(part: str, status: os.stat_result) -> bool:
    if stat.S_ISLNK(status.st_mode) or status.st_mode & stat.S_ISVTX:
        return False
    if status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and not _is_own_group(part, status.st_gid)


def _is_own_group(part: str, gid: int) -> bool:
    """Whether what a folder's group may do only this user and root may.

    Under an access list the group's bits stand for whoever is in the list.
    """
    if sys.platform == "linux":
        try:
            os.getxattr(part, _ACL)
        except OSError:
            pass
        else:
            return False
    if gid == 0:
        return True
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(gid)
    except KeyError:
        return gid in (os.getegid(), os.geteuid())
    return gid == os.getegid() and group.gr_name == user and not {*group.gr_mem} - {user}
