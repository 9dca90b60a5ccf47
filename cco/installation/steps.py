"""The steps of an installation: each knows what it would change before it changes it."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cco.errors import InstallFailed
from cco.installation.places import WINDOWS

CREATED, REPLACED, UNCHANGED = "created", "replaced", "unchanged"
REMOVED, ABSENT, KEPT = "removed", "absent", "kept"
"""What a step does or finds; KEPT is what is not ours (any more), or still in use."""


class Step(Protocol):
    """One change to one path."""

    @property
    def path(self) -> Path: ...

    def outcome(self) -> str:
        """What applying it would do."""

    def apply(self) -> None:
        """Do it. Raises: OSError."""


def perform(step: Step, *, dry_run: bool) -> str:
    """Apply a step and say what it did, or would do.

    Raises: InstallFailed.
    """
    try:
        outcome = step.outcome()
        if not dry_run and outcome in (CREATED, REPLACED, REMOVED):
            step.apply()
    except OSError as error:
        raise InstallFailed(
            f"{step.path}: {error.strerror or error}",
            advice="Choose a folder that you can write to: --prefix DIR",
        ) from None
    return outcome


@dataclass(frozen=True)
class PutFile:
    """Have a file with these contents, in one step: who runs the old one is not disturbed."""

    path: Path
    contents: bytes
    mode: int = 0o644

    def outcome(self) -> str:
        if not os.path.lexists(self.path):
            return CREATED
        same_mode = WINDOWS or stat.S_IMODE(self.path.lstat().st_mode) == self.mode
        same = is_regular(self.path) and same_mode and self.path.read_bytes() == self.contents
        return UNCHANGED if same else REPLACED

    def apply(self) -> None:
        if self.path.is_dir() and not self.path.is_symlink():
            raise IsADirectoryError(None, "is a folder")
        with _draft_of(self.path) as draft:
            with draft.open("xb") as file:
                file.write(self.contents)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(self.mode)


@dataclass(frozen=True)
class PutLink:
    """Have a symbolic link to a program that stays where it is."""

    path: Path
    target: Path

    def outcome(self) -> str:
        if not os.path.lexists(self.path):
            return CREATED
        return UNCHANGED if link_target(self.path) == str(self.target) else REPLACED

    def apply(self) -> None:
        with _draft_of(self.path) as draft:
            draft.symlink_to(self.target)


@dataclass(frozen=True)
class RemoveFile:
    """Remove a file or link, if it is still the one that was installed."""

    path: Path
    ours: bool

    def outcome(self) -> str:
        if not os.path.lexists(self.path):
            return ABSENT
        return REMOVED if self.ours else KEPT

    def apply(self) -> None:
        with _once_it_has_ended(self.path):
            self.path.unlink()


@dataclass(frozen=True)
class RemoveTree:
    """Remove a folder of cco's, but for what is in use; a link to one is removed, not followed."""

    path: Path
    in_use: frozenset[Path] = frozenset()

    def outcome(self) -> str:
        if not os.path.lexists(self.path):
            return ABSENT
        return REMOVED

    def apply(self) -> None:
        if self.path.is_symlink() or not self.path.is_dir():
            self.path.unlink()
        elif not self.in_use:
            with _once_it_has_ended(self.path):
                shutil.rmtree(self.path)
        else:
            for entry in self.path.iterdir():
                if entry not in self.in_use:
                    RemoveTree(entry).apply()


@contextmanager
def _once_it_has_ended(path: Path) -> Iterator[None]:
    """On Windows what runs cannot be removed: then it goes as soon as it has ended."""
    try:
        yield
    except PermissionError:
        if sys.platform == "win32":
            from cco.installation.windows_removal import remove_after_exit

            remove_after_exit(path)
        else:
            raise


def new_folders(path: Path) -> Iterator[Path]:
    """The folders that must be made for this path, the outermost last."""
    for folder in path.parents:
        if os.path.lexists(folder):
            return
        yield folder


def remove_if_empty(folder: Path) -> bool:
    """Remove a folder that holds nothing; whether it did."""
    with suppress(OSError):
        folder.rmdir()
        return True
    return False


def is_regular(path: Path) -> bool:
    """Whether it is a file, and not a link to one."""
    return path.is_file() and not path.is_symlink()


def link_target(path: Path) -> str | None:
    """Where a symbolic link leads; None if it is none."""
    return os.readlink(path) if path.is_symlink() else None


def digest_of(contents: bytes) -> str:
    """Shapes: -> 64 hex of the SHA-256."""
    return hashlib.sha256(contents).hexdigest()


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    """Name a draft that takes the place of `path` at the end of the block, if that succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield draft
        _move_over(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _move_over(draft: Path, path: Path) -> None:
    try:
        draft.replace(path)
    except PermissionError:
        if not WINDOWS:
            raise
        aside = path.with_name(f".{path.name}.{os.getpid()}.old")
        # a program that runs can be renamed there, and neither replaced nor removed
        path.rename(aside)
        draft.replace(path)
