"""Which folder holds the files: the temp folder, or a private one in it where names are held."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cco.config import temp_folder
from cco.errors import FolderUnusable
from cco.sealing import names
from cco.sealing.private_files import (
    held_by_another,
    is_ours,
    make_private_folder,
    private_folder_fault,
    remove,
)


def private_folder(temp: Path) -> Path:
    """The folder used where another user holds one of our names."""
    if sys.platform == "win32":  # the temp folder is the user's own there
        return temp / "cco-user"
    return temp / f"cco-{os.geteuid()}"


def choose_folder(temp: Path | None = None) -> Path:
    """Find the folder for a new start, making the private one if it is needed.

    Raises: FolderUnusable.
    """
    temp = temp_folder() if temp is None else temp
    if not os.path.isdir(temp):
        raise FolderUnusable(f"{temp} is not a folder")
    folder = wanted_folder(temp)
    if folder != temp:
        make_private_folder(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FolderUnusable(f"{folder} is not writable")
    return folder


def wanted_folder(temp: Path) -> Path:
    """The folder that a new start would use, made or not."""
    if any(held_by_another(temp / name) for name in names.ALL):
        return private_folder(temp)
    return temp


def locate_folder(temp: Path | None = None) -> Path | None:
    """Find the folder in which a daemon of this user left its sealed settings, if any did."""
    temp = temp_folder() if temp is None else temp
    if is_ours(temp / names.SETTINGS):
        return temp
    private = private_folder(temp)
    if private_folder_fault(private) is None and is_ours(private / names.SETTINGS):
        return private
    return None


def bridge_copies(folder: Path) -> Iterator[Path]:
    """The private copies of the bridge made for single launches."""
    yield from folder.glob(names.BRIDGE_COPY_PREFIX + "*.json")


def remove_leftovers(folder: Path, *, keep_live: bool, keep_history: bool = False) -> list[Path]:
    """Remove what an ended daemon of this user left.

    With `keep_live` only unfinished drafts go; what a running session may be using stays.
    """
    paths = list(folder.glob(f".cco-*{names.DRAFT_SUFFIX}"))
    if not keep_live:
        paths += [folder / name for name in (*names.SEALED, names.BRIDGE, names.PLUGIN)]
        paths += bridge_copies(folder)
        paths += [] if keep_history else [folder / names.HISTORY]
    return [path for path in paths if remove(path)]


def remove_private_folder(folder: Path) -> None:
    """Remove the private folder once it is empty; leave the temp folder itself alone."""
    if folder.name == private_folder(folder.parent).name:
        with suppress(OSError):
            folder.rmdir()
