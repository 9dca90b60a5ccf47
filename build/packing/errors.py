"""The one error that packing ends with on purpose."""

from __future__ import annotations


class PackingError(Exception):
    """Something cannot be packed; the message says why."""
