"""SHA256SUMS, as `sha256sum --check` reads it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from release.errors import ReleaseError
from release.names import CHECKSUMS

_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)")


def digest_of(path: Path) -> str:
    """Shapes: -> 64 lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, names: Iterable[str]) -> Path:
    """Write the checksums of files in a folder, sorted by name."""
    path = folder / CHECKSUMS
    lines = [f"{digest_of(folder / name)}  {name}\n" for name in sorted(names)]
    path.write_text("".join(lines), encoding="ascii", newline="\n")
    return path


def read(path: Path) -> dict[str, str]:
    """Read checksums by file name.

    Raises: ReleaseError if any line is not exactly as `write` makes it, or a name comes twice.
    """
    found: dict[str, str] = {}
    text = path.read_bytes().decode("ascii", errors="replace")
    for number, line in enumerate(text.split("\n")[:-1], 1):
        match = _LINE.fullmatch(line)
        if match is None or match["name"] in found:
            raise ReleaseError(f"{path.name}, line {number}, is not a checksum: {line[:120]!r}")
        found[match["name"]] = match["digest"]
    if not found or not text.endswith("\n"):
        raise ReleaseError(f"{path.name} is empty or cut off")
    return found


def digest_in(sums: Mapping[str, str], name: str) -> str:
    """The digest of a file that must be listed.

    Raises: ReleaseError.
    """
    if name not in sums:
        raise ReleaseError(f"{CHECKSUMS} does not list {name}")
    return sums[name]


def verify(folder: Path) -> dict[str, str]:
    """Hold every file that SHA256SUMS names against it.

    Shapes: -> digests by file name.
    Raises: ReleaseError, naming the files that are missing or differ.
    """
    sums = read(folder / CHECKSUMS)
    wrong = [
        name
        for name, digest in sums.items()
        if not (folder / name).is_file() or digest_of(folder / name) != digest
    ]
    if wrong:
        raise ReleaseError(f"not as {CHECKSUMS} says: {', '.join(wrong)}", "Build them again.")
    return sums
