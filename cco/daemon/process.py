"""What the daemon asks of the operating system for its own process."""

from __future__ import annotations

import sys

_OPEN_FILES = 4096
_CORE_BYTES = 1
"""Linux: too little for a file, and unlike 0 too little for a program that core dumps go to."""


def set_limits() -> None:
    """Dump no core, which would hold the token and texts; and hold enough connections open."""
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    most = _CORE_BYTES if hard == resource.RLIM_INFINITY else min(hard, _CORE_BYTES)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
