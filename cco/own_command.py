"""The command that runs this same cco again."""

from __future__ import annotations

import os
import sys


def self_command() -> list[str]:
    """The command that runs this same cco, as an argument vector.

    A frozen program names the file that the user has, which unpacks itself again should its cache
    have been emptied. A source checkout runs isolated (-I), so that a `cco` folder in the current
    project is never imported in its place.
    """
    if getattr(sys, "frozen", False):
        single_file = os.environ.get("CCO_EXECUTABLE")
        return [single_file if single_file and os.path.isfile(single_file) else sys.executable]
    return [sys.executable, "-I", "-m", "cco"]


def daemon_command() -> list[str]:
    """The command that runs this same cco for long.

    On Windows, where no process becomes another, the launcher would wait for it all the time:
    there it is the program in the unpacked copy, which cannot be removed while it runs.
    """
    if sys.platform == "win32" and getattr(sys, "frozen", False):
        return [sys.executable]
    return self_command()
