"""The one error that a freeze ends with on purpose."""

from __future__ import annotations


class FreezeError(Exception):
    """A freeze cannot go on; the message says why, `advice` what to do next."""

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice
