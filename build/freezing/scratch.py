"""The folder that a freeze works in: it holds the build secret, so none stays behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "freeze-"
_HELD = "held"
_ATTEMPTS = 100


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Give a new private folder that is gone after the block.

    What freezes that were killed have left is removed first.
    """
    parent.mkdir(exist_ok=True)
    remove_leftovers(parent)
    with _held_folder(parent) as folder:
        yield folder


def remove_leftovers(parent: Path) -> None:
    """Remove the folders of freezes that were killed, and disturb none that is at work."""
    for left in parent.glob(f"{_PREFIX}*"):
        _remove_unless_held(left)


if sys.platform == "win32":

    @contextlib.contextmanager
    def _held_folder(parent: Path) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        try:
            with (folder / _HELD).open("wb"):
                yield folder
        finally:
            shutil.rmtree(folder)

    def _remove_unless_held(folder: Path) -> None:
        """Windows lets nobody remove a file that is open."""
        with contextlib.suppress(OSError):
            (folder / _HELD).unlink()
            shutil.rmtree(folder, ignore_errors=True)

else:
    import fcntl

    @contextlib.contextmanager
    def _held_folder(parent: Path) -> Iterator[Path]:
        for _ in range(_ATTEMPTS):
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            descriptor = _lock(folder)
            if descriptor is None:
                continue  # somebody took it for a dead one's before it was locked
            try:
                yield folder
            finally:
                shutil.rmtree(folder)
                os.close(descriptor)
            return
        raise FileNotFoundError(f"{parent}: every new folder in it disappears")

    def _remove_unless_held(folder: Path) -> None:
        descriptor = _lock(folder)
        if descriptor is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)

    def _lock(folder: Path) -> int | None:
        """Lock a folder that is still there, unless somebody else has."""
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink > 0:
                return descriptor
        except OSError:
            pass
        os.close(descriptor)
        return None
