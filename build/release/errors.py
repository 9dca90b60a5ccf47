"""The one error that the release's tools end with on purpose, and how they end with it."""

from __future__ import annotations

import sys
from collections.abc import Callable


class ReleaseError(Exception):
    """A release cannot go on; the message says why, `advice` what to do next."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


def run(tool: str, work: Callable[[], None]) -> int:
    """Do the work of one command line, and say on stderr what stood in its way.

    Shapes: -> exit status, 0 or 1.
    """
    try:
        work()
    except (ReleaseError, OSError) as error:
        advice = error.advice if isinstance(error, ReleaseError) else ""
        print(f"{tool}: {error}\n{advice}".rstrip(), file=sys.stderr)
        return 1
    return 0
