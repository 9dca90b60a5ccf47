"""The user's PATH on Windows, as a text: entries between semicolons, spelled as they are."""

from __future__ import annotations

import ntpath
from collections.abc import Mapping

MAX_CHARACTERS = 32_767


def with_entry(value: str, folder: str, environ: Mapping[str, str]) -> str:
    """Add a folder in front, unless some entry names it already."""
    if any(_same(entry, folder, environ) for entry in value.split(";")):
        return value
    return f"{folder};{value}" if value else folder


def without_entry(value: str, folder: str, environ: Mapping[str, str]) -> str:
    """Remove a folder and leave every other entry as it was."""
    return ";".join(entry for entry in value.split(";") if not _same(entry, folder, environ))


def _same(entry: str, folder: str, environ: Mapping[str, str]) -> bool:
    expanded = entry.strip().strip('"')
    for name, text in environ.items():
        lower = expanded.lower()
        start = lower.find(f"%{name.lower()}%")
        if start >= 0:
            expanded = expanded[:start] + text + expanded[start + len(name) + 2 :]
    return bool(expanded) and _normal(expanded) == _normal(folder)


def _normal(path: str) -> str:
    return ntpath.normcase(ntpath.normpath(path))
