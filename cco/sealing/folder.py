"""Which folder holds the files: the temp folder, or a private one where others could interfere."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cco.errors import FolderUnusable
from cco.folders import make_folders, state_folder, temp_folder
from cco.sealing import names
from cco.sealing.locks import is_held
from cco.sealing.private_files import (
    held_by_another,
    is_ours,
    make_private_folder,
    private_folder_fault,
    remove,
)
from cco.sealing.replaceable import replaceable_part


def private_folder(temp: Path) -> Path:
    """The folder used where another user holds one of our names."""
    if sys.platform == "win32":  # the temp folder is the user's own there
        return temp / "cco-user"
    return temp / f"cco-{os.geteuid()}"


def own_folder() -> Path:
    """The folder used where others hold the private one too, or could replace all of it.

    Raises: FolderUnusable, for an account without a home.
    """
    return state_folder() / "temp"


def choose_folder(temp: Path | None = None) -> Path:
    """Find the folder for a new start, making the private one if it is needed.

    Raises: FolderUnusable.
    """
    temp = temp_folder() if temp is None else temp
    if not os.path.isdir(temp):
        raise FolderUnusable(f"{temp} is not a folder")
    if replaceable_part(temp) is not None:
        folder = _made_own_folder(temp)
    else:
        folder = wanted_folder(temp)
        if folder == private_folder(temp):
            folder = _made_private_one(temp)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FolderUnusable(f"{folder} is not writable")
    return folder


def retreat(folder: Path) -> bool:
    """Have the next choice be a private folder, where somebody may be in the way in this one.

    Returns: whether that is another folder.
    """
    if sys.platform == "win32" or not folder.stat().st_mode & stat.S_IWOTH:
        return False
    try:
        return _made_private_one(folder) != folder
    except FolderUnusable:
        return False


def _private_ones(temp: Path) -> Iterator[Path]:
    """The private folders that are there; they are as long as something is in them."""
    folders = [private_folder(temp)]
    with suppress(FolderUnusable):
        folders.append(own_folder())
    return (one for one in folders if private_folder_fault(one) is None)


def _made_private_one(temp: Path) -> Path:
    folder = private_folder(temp)
    try:
        make_private_folder(folder)
    except FolderUnusable:
        folder = _made_own_folder(temp)
    return folder


def _made_own_folder(temp: Path) -> Path:
    try:
        folder = own_folder()
        make_folders(folder.parent)
        make_private_folder(folder)
    except (FolderUnusable, OSError) as error:
        raise FolderUnusable(
            f"other accounts can interfere with what is in {temp}, and {error}",
            advice="Point TMPDIR at a folder of yours alone.",
        ) from None
    return folder


def wanted_folder(temp: Path) -> Path:
    """The folder that a new start would use, made or not.

    Raises: FolderUnusable.
    """
    if replaceable_part(temp) is not None:
        return own_folder()
    if private_folder_fault(private_folder(temp)) is None:
        return private_folder(temp)
    if not any(held_by_another(temp / name) for name in names.ALL):
        if is_ours(temp / names.SETTINGS):  # what is in the home may be of another temp folder
            return temp
        return next(_private_ones(temp), temp)
    return next(_private_ones(temp), private_folder(temp))


def locate_folder(temp: Path | None = None) -> Path | None:
    """Find the folder in which a daemon of this user left its sealed settings, if any did.

    Of several, the one that a start would take: what a killed daemon left may be in a folder in
    which another account has taken a name since.
    """
    temp = temp_folder() if temp is None else temp
    found = [folder for folder in _places(temp) if is_ours(folder / names.SETTINGS)]
    if len(found) > 1 and not is_taken(found[0]):
        wanted = wanted_folder(temp)
        return wanted if wanted in found else found[0]
    return found[0] if found else None


def other_places(folder: Path) -> list[Path]:
    """Where else a daemon of this user's, with this temp folder, may be or have been.

    The one in the home may be there for another temp folder: it does not count where a run in
    `folder` is to be taken up.
    """
    temp = temp_folder()
    places = [place for place in _places(temp) if place != folder]
    if folder == temp and is_ours(temp / names.SETTINGS):
        return [place for place in places if place.parent == temp]
    return places


def is_taken(folder: Path) -> bool:
    """Whether a daemon of this user's has a folder."""
    lock = folder / names.DAEMON_LOCK
    return is_ours(lock) and is_held(lock)


def _places(temp: Path) -> Iterator[Path]:
    safe = os.path.isdir(temp) and replaceable_part(temp) is None
    if safe:
        yield temp
    yield from (one for one in _private_ones(temp) if safe or one.parent != temp)


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
    private = [private_folder(folder.parent)]
    with suppress(FolderUnusable):
        private.append(own_folder())
    if folder in private:
        with suppress(OSError):
            folder.rmdir()
