"""SHA256SUMS, as sha256sum writes and checks it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from packing.errors import PackingError

_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S+)")


def checksum(path: Path) -> str:
    """Shapes: -> 64 hex of the file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_lines(paths: Iterable[Path]) -> str:
    """The text of a SHA256SUMS for these files, by name."""
    return "".join(
        f"{checksum(path)}  {path.name}\n" for path in sorted(paths, key=lambda path: path.name)
    )


def read_checksums(text: str) -> Mapping[str, str]:
    """Shapes: -> file name to 64 hex.

    Raises: PackingError, where a line makes no sense or names a file twice.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match[2] in found:
            raise PackingError(f"not a line of SHA256SUMS, or one too many: {line[:200]!r}")
        found[match[2]] = match[1]
    return found


def checksum_of(checksums: Mapping[str, str], name: str) -> str:
    """The checksum of a file that must be there.

    Raises: PackingError.
    """
    try:
        return checksums[name]
    except KeyError:
        raise PackingError(f"SHA256SUMS does not list {name}") from None
