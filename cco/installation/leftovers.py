"""What cco made for this user in the course of time, beside what was installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from cco.folders import APP, config_folder, data_folder, own_home, state_folder, temp_folder
from cco.installation.steps import RemoveFile, RemoveTree, Step, remove_if_empty

_STATE_FILES = "daemon-*.log*"
_DATA_FILES = "machine-id*"


def leftovers(environ: Mapping[str, str], *, purge: bool) -> Iterator[Step]:
    """The steps that remove logs, the generated machine id and unpacked copies.

    With `purge` the user's own settings and specialists as well. A copy that another process runs
    from is kept, and so is what does not belong to this user.
    """
    for path in sorted(state_folder().glob(_STATE_FILES)):
        yield RemoveFile(path, ours=True)
    for path in sorted(data_folder().glob(_DATA_FILES)):
        yield RemoveFile(path, ours=True)
    if purge:
        yield RemoveTree(config_folder())
    stores = [store for store in copy_stores(environ) if _is_ours(store)]
    in_use = _copies_in_use(stores) if stores else frozenset()
    for store in stores:
        yield RemoveTree(store, frozenset(path for path in in_use if path.parent == store))


def remove_empty_folders(environ: Mapping[str, str], *, purge: bool) -> None:
    """Remove the folders that are empty now: cco's own, and those below home that led to them."""
    home = Path(own_home())
    folders = [state_folder(), data_folder(), *copy_stores(environ)]
    for folder in folders + ([config_folder()] if purge else []):
        _remove_empty_upwards(folder, home)


def _remove_empty_upwards(folder: Path, home: Path) -> None:
    while home in folder.parents and (remove_if_empty(folder) or not os.path.lexists(folder)):
        folder = folder.parent


def copy_stores(environ: Mapping[str, str]) -> list[Path]:
    """Where the launcher keeps unpacked copies: list_places in launcher.c, also in its windows/."""
    if sys.platform == "win32":
        stores = [data_folder() / "Cache", temp_folder() / "cco-cache"]
        named = environ.get("XDG_CACHE_HOME", "")
        return [*([Path(named) / APP] if os.path.isabs(named) else []), *stores]
    uid = os.geteuid()
    home = Path(own_home())
    cache = "Library/Caches" if sys.platform == "darwin" else ".cache"
    places = [
        (environ.get("XDG_CACHE_HOME", ""), APP),
        (str(home / cache), APP),
        (environ.get("XDG_RUNTIME_DIR", ""), APP),
        ("/var/tmp", f"cco-{uid}"),  # noqa: S108  # as the launcher
        (environ.get("TMPDIR", ""), f"cco-cache-{uid}"),
        ("/tmp", f"cco-cache-{uid}"),  # noqa: S108  # as the launcher
    ]
    return list(dict.fromkeys(Path(base) / leaf for base, leaf in places if os.path.isabs(base)))


def _is_ours(store: Path) -> bool:
    try:
        return store.is_dir() and (sys.platform == "win32" or store.lstat().st_uid == os.geteuid())
    except OSError:
        return False


def _copies_in_use(stores: list[Path]) -> frozenset[Path]:
    """The unpacked copies that processes other than this one run from."""
    import psutil

    found = set()
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.add(Path(process.exe()).parent)
        except (psutil.Error, OSError):
            continue
    real = {Path(os.path.realpath(store)): store for store in stores}
    return frozenset(real[path.parent] / path.name for path in found if path.parent in real)
