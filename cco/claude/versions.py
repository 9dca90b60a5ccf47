"""What cco knows of Claude Code's versions; docs/compatibility.md tells users the same.

The version of a program is read from what lies around it: to ask the program itself takes longer
than all the rest of a launch. Source: real clients of these versions against a scripted API.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing: a launch is timed
    from collections.abc import Iterator

Version = tuple[int, int, int]

_PACKAGE = "@anthropic-ai/claude-code"
_PACKAGE_BYTES = 64 * 1024
_RESOURCE_BYTES = 4 * 1024 * 1024
_FIXED_FILE_INFO = 0xFEEF04BD.to_bytes(4, "little")
"""How VS_FIXEDFILEINFO begins, the part of a Windows program that holds its version."""


class Ability:
    """Something that Claude Code can do since a version, and what a user notices without it."""

    def __init__(self, since: Version, without: str = "") -> None:
        self.since = since
        self.without = without

    def is_in(self, client: Version | None) -> bool:
        """Whether a client can; one whose version cannot be told counts as a new one."""
        return client is None or client >= self.since


HTTP_HOOKS = Ability(
    (2, 1, 63),
    "its hooks are commands: every event starts a process, which takes some hundredths of a second;"
    " whether it waits for you is not known",
)
AGENT_IN_HOOKS = Ability((2, 1, 69), "tool calls and edits of agents count as the session's own")
POST_COMPACT = Ability((2, 1, 76))
HOOK_ARGUMENTS = Ability((2, 1, 139))
CONTEXT_OUTLIVES_RESUME = Ability((2, 1, 150))
"""What hooks said after a compaction is there again when the session is resumed."""
STALE_EDITS_IN_HOOKS = Ability(
    (2, 1, 208),
    "it refuses an edit of a file that changed since it was read by itself, and cannot say who did",
)
AGENT_IN_TELEMETRY = Ability(
    (2, 1, 310), "tokens and cost of agents are told from the session's by their transcripts"
)
AGENT_IN_COMPACTION = Ability(
    (2, 1, 323), "the summary of an agent's conversation is asked for as if it were the session's"
)
ABILITIES = (
    HTTP_HOOKS,
    AGENT_IN_HOOKS,
    POST_COMPACT,
    HOOK_ARGUMENTS,
    CONTEXT_OUTLIVES_RESUME,
    STALE_EDITS_IN_HOOKS,
    AGENT_IN_TELEMETRY,
    AGENT_IN_COMPACTION,
)

MINIMUM: Version = (2, 1, 40)
"""Older ones are not started."""
FULL: Version = max(one.since for one in ABILITIES)
"""From here on nothing is missing."""
TESTED: Version = (2, 1, 330)
"""What every test runs with."""


def parse_version(text: str) -> Version | None:
    """The version in what `claude --version` prints, such as `2.1.330 (Claude Code)`."""
    import re

    found = re.search(r"(?<![\d.])(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?![\d.])", text, re.ASCII)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def spelled(version: Version) -> str:
    """A version as people write it."""
    return ".".join(map(str, version))


def is_old(version: Version) -> bool:
    """Whether a user should be told at work: not all that happens in the session is heard of."""
    return not (AGENT_IN_HOOKS.is_in(version) and POST_COMPACT.is_in(version))


def shortcomings(version: Version) -> list[str]:
    """What works differently with a client, or not at all; empty from FULL on."""
    return [one.without for one in ABILITIES if one.without and not one.is_in(version)]


def shortcoming(version: Version) -> str | None:
    """Why a client is not started; None for one that is."""
    if version >= MINIMUM:
        return None
    return f"cco needs {spelled(MINIMUM)} or newer"


def installed_version(program: Path) -> Version | None:
    """The version of a program, from its package, its path or, on Windows, its resources.

    None where nothing tells it: a wrapper of somebody else's, for example.
    """
    real = os.path.realpath(program)
    folder, name = os.path.split(real)
    for beside in (folder, os.path.dirname(folder)):  # npm: cli.js, bin/claude.exe, claude
        version = _package_version(os.path.join(beside, "package.json"))
        if version is not None:
            return version
    # the native installer: …/claude/versions/2.1.330; Homebrew: …/claude-code/2.1.330/claude
    version = _exact(name) or _exact(os.path.basename(folder))
    if version is None and sys.platform == "win32":
        return resource_version(real)
    return version


def _exact(text: str) -> Version | None:
    """The version that a text is and nothing else."""
    parts = text.split(".")
    if len(parts) != 3 or not all(
        part.isascii() and part.isdigit() and len(part) <= 5 for part in parts
    ):
        return None
    return int(parts[0]), int(parts[1]), int(parts[2])


def _package_version(path: str) -> Version | None:
    try:
        with open(path, "rb") as file:
            package = json.loads(file.read(_PACKAGE_BYTES))
        if str(package["name"]).startswith(_PACKAGE):
            return _exact(str(package["version"]))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        pass
    return None


def resource_version(program: str) -> Version | None:
    """The version in the resources of a Windows program."""
    try:
        with open(program, "rb") as file:
            for offset, size in _resource_sections(file.read(4096)):
                file.seek(offset)
                data = file.read(min(size, _RESOURCE_BYTES))
                at = data.find(_FIXED_FILE_INFO)
                if at >= 0 and at + 16 <= len(data):
                    high = int.from_bytes(data[at + 8 : at + 12], "little")
                    low = int.from_bytes(data[at + 12 : at + 16], "little")
                    return high >> 16, high & 0xFFFF, low >> 16
    except OSError:
        pass
    return None


def _resource_sections(head: bytes) -> Iterator[tuple[int, int]]:
    """Offset and size of each `.rsrc` section in a file that begins like this.

    Source: Microsoft, PE Format: the section table follows the optional header.
    """
    start = int.from_bytes(head[60:64], "little")
    if head[start : start + 4] != b"PE\0\0":
        return
    count = int.from_bytes(head[start + 6 : start + 8], "little")
    table = start + 24 + int.from_bytes(head[start + 20 : start + 22], "little")
    for entry in range(table, table + 40 * count, 40):
        if head[entry : entry + 8] == b".rsrc\0\0\0":
            size = int.from_bytes(head[entry + 16 : entry + 20], "little")
            yield int.from_bytes(head[entry + 20 : entry + 24], "little"), size
