"""Whether a frozen file is still what its inputs would give."""

from __future__ import annotations

import hashlib
import hmac
import platform
from collections.abc import Iterable
from pathlib import Path

FOLDERS = ("build", "cco", "spec")


def record_of(root: Path, secret: bytes, facts: Iterable[str]) -> str:
    """Fingerprint everything that decides what a freeze gives, the secret included.

    Shapes: -> 64 hex of an HMAC-SHA256 under the secret, which it does not give away.
    """
    digest = hmac.new(secret, digestmod=hashlib.sha256)
    for fact in (*facts, platform.python_version(), platform.machine()):
        digest.update(fact.encode() + b"\0")
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(root).as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def kept_for(out: Path, work: Path) -> Path:
    """Name the file that remembers what `out` was made from."""
    return work / f"{hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:16]}.inputs"


def is_current(out: Path, kept: Path, record: str) -> bool:
    """Whether `out` is unchanged since it was made from the same inputs."""
    try:
        return kept.read_text() == _lines(out, record)
    except OSError:
        return False


def keep(kept: Path, out: Path, record: str) -> None:
    """Remember what `out` was made from."""
    kept.write_text(_lines(out, record))


def _lines(out: Path, record: str) -> str:
    return f"{record} {hashlib.sha256(out.read_bytes()).hexdigest()}\n"
