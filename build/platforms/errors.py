"""The one error that work on another platform ends with on purpose."""

from __future__ import annotations


class PlatformError(Exception):
    """It cannot go on; the message says why and what to do next."""
