"""What the daemon asks of the operating system for its own process."""

from __future__ import annotations

import sys

_CORE_BYTES = 1
"""Linux: too little for a file, and unlike 0 too little for a program that core dumps go to."""


def dump_no_core() -> None:
    """Leave no memory on disk after a crash: it holds the token and texts."""
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    most = _CORE_BYTES if hard == resource.RLIM_INFINITY else min(hard, _CORE_BYTES)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
