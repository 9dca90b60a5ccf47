"""Which project a folder belongs to: the git repository around it, else the folder itself."""

from __future__ import annotations

import os
from pathlib import Path

from cco.files import read_regular

_MAX_CHARS = 1_000
_MAX_FILE_BYTES = 4_096


def project_of(folder: str) -> str:
    """The resolved root of the repository that a folder is in; without one, the folder, resolved.

    A linked work tree counts as its repository, provided the repository knows of it. Git itself is
    not run. Empty for what is no absolute path.
    """
    if not os.path.isabs(folder) or len(folder) > _MAX_CHARS or "\0" in folder:
        return ""
    try:
        place = Path(folder).resolve()
        for root in (place, *place.parents):
            mark = root / ".git"
            if mark.is_dir():
                return str(root)
            if mark.is_file():
                return str(_main_repository(mark) or root)
    except (OSError, RuntimeError, ValueError):
        return os.path.normpath(folder)
    return str(place)


def _main_repository(mark: Path) -> Path | None:
    """The repository of a linked work tree; None where the `.git` file means anything else."""
    try:
        named = _line(mark).removeprefix("gitdir:").strip()
        there = (mark.parent / named).resolve()
        worktrees = there.parent
        if worktrees.name != "worktrees" or worktrees.parent.name != ".git":
            return None
        back = (there / _line(there / "gitdir")).resolve()
    except (OSError, RuntimeError, ValueError):
        return None
    return worktrees.parent.parent if back == mark else None


def _line(path: Path) -> str:
    return read_regular(path, _MAX_FILE_BYTES).decode().strip()
