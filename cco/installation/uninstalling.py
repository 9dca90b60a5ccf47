"""Plan the removal of an installation and of everything that cco made for this user."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from cco.installation.installing import stale_drafts
from cco.installation.leftovers import leftovers, remove_empty_folders
from cco.installation.places import Places
from cco.installation.record import Record
from cco.installation.shells import RemoveLine
from cco.installation.steps import RemoveFile, Step, remove_if_empty


def plan_removal(
    places: Places, record: Record | None, environ: Mapping[str, str], *, purge: bool
) -> list[Step]:
    """The steps of a removal, the record last but for what the running program needs itself.

    Raises: FolderUnusable, InstallFailed.
    """
    steps: list[Step] = []
    if record is not None:
        steps += [RemoveLine(Path(file), made) for file, made in record.shell_files.items()]
        if sys.platform == "win32" and record.path_entry is not None:
            from cco.installation.windows_path import PathEntry

            steps.append(PathEntry(Path(record.path_entry), wanted=False))
        listed = sorted(map(Path, {*record.files, *record.links}))
        steps += [RemoveFile(path, ours=record.owns(path)) for path in listed]
        steps += [RemoveFile(path, ours=True) for path in stale_drafts(places)]
        steps.append(RemoveFile(places.record, ours=True))
    return [*steps, *leftovers(environ, purge=purge)]


def remove_folders(record: Record | None, environ: Mapping[str, str], *, purge: bool) -> None:
    """Remove the folders that the installation made, where they are empty now."""
    for folder in [] if record is None else record.folders:
        remove_if_empty(Path(folder))
    remove_empty_folders(environ, purge=purge)
