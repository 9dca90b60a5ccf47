"""Which versions of Claude Code cco works with; docs/doctor.md tells users the same.

Source: real clients of these versions, run against a scripted API.
"""

from __future__ import annotations

import re

TESTED = (2, 1, 330)
"""What every test runs with."""
FULL = (2, 1, 200)
"""From here on everything works as it was tried."""
MINIMUM = (2, 1, 100)
"""From here on http hooks arrive and specialists get their briefs."""
_NUMBER = re.compile(r"(?<![\d.])(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?![\d.])")

Version = tuple[int, int, int]


def parse_version(text: str) -> Version | None:
    """The version in what `claude --version` prints, such as `2.1.330 (Claude Code)`."""
    found = _NUMBER.search(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def spelled(version: Version) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def shortcoming(version: Version) -> str | None:
    """What does not work with a client below the minimum; None from there on."""
    if version >= MINIMUM:
        return None
    return "it sends no http hooks: no briefs, no budgets, no edit conflicts, no figures of agents"
