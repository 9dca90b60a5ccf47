"""Which sources a build comes from, and the fingerprint that ties it to them and to its secret."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from freezing.errors import FreezeError

COMMIT_VARIABLE = "CCO_BUILD_COMMIT"
UNKNOWN_COMMIT = "unknown"
_COMMIT = re.compile(r"(?a:[0-9a-f]{12}(\+dirty)?|unknown)")
_FALLBACK_TIME_S = 1_577_836_800  # 2020-01-01: after 1980, where zip files begin


@dataclass(frozen=True)
class Sources:
    """A state of the source tree. Shapes: commit 12 hex, `+dirty` where the tree has changes."""

    commit: str
    time_s: int


def identify(root: Path) -> Sources:
    """Name the commit that is checked out, and when it was made.

    A tree that git knows nothing about is `unknown`. CCO_BUILD_COMMIT and SOURCE_DATE_EPOCH go
    before what git says, for builds where there is no git.
    Raises: FreezeError for a commit that is none.
    """
    given = os.environ.get(COMMIT_VARIABLE)
    if given is not None and not _COMMIT.fullmatch(given):
        raise FreezeError(
            f"{COMMIT_VARIABLE} is no commit: {given!r}", "Give 12 hex digits, or leave it away."
        )
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    time_text = os.environ.get("SOURCE_DATE_EPOCH") or _git(root, "log", "-1", "--format=%ct")
    time_s = int(time_text) if time_text and time_text.isdigit() else _FALLBACK_TIME_S
    if given is not None:
        return Sources(given, time_s)
    if not commit:
        return Sources(UNKNOWN_COMMIT, time_s)
    changes = _git(root, "status", "--porcelain", "--untracked-files=normal")
    return Sources(commit + ("+dirty" if changes else ""), time_s)


def build_id(secret: bytes, version: str, commit: str) -> str:
    """Fingerprint a build under its secret, so that holders of the secret can recognise it.

    Shapes: -> 16 hex of HMAC-SHA256(secret, version followed by commit).
    """
    return hmac.new(secret, (version + commit).encode(), hashlib.sha256).hexdigest()[:16]


def _git(root: Path, *arguments: str) -> str | None:
    """What git answers for this very folder, or None where it cannot."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return None
    command = [git, "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
