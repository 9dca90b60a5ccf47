"""Plan an installation: program, completions, manual, and the folder on PATH."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cco.build_info import VERSION
from cco.errors import InstallFailed
from cco.installation.places import WINDOWS, Places, home_folder
from cco.installation.program import Program, is_single_file
from cco.installation.record import Record, read_record
from cco.installation.shells import PutLine, ShellLine, is_on_path, shell_line
from cco.installation.steps import PutFile, PutLink, Step, digest_of, new_folders

_OURS = (b"_CCO_COMPLETE", b'.TH "CCO"')
"""What completions and manual of every version of cco have in them."""


@dataclass
class Plan:
    """The steps of an installation in their order, and what the user must be told."""

    steps: list[Step] = field(default_factory=list)
    record: Record = field(default_factory=lambda: Record(VERSION))
    line: ShellLine | None = None
    """What is missing for the folder to be on PATH."""
    left_alone: list[Path] = field(default_factory=list)
    """Files of somebody else's in the places of ours."""


def plan_installation(
    program: Program,
    places: Places,
    extras: Mapping[Path, bytes],
    environ: Mapping[str, str],
    *,
    modify_path: bool = False,
    force: bool = False,
) -> Plan:
    """Find out what there is to do; nothing is changed.

    Shapes: extras maps the paths of completions and manual to their contents.
    Raises: InstallFailed, where the program's place holds something that is not cco.
    """
    plan = Plan()
    old = read_record(places.record)
    if old is not None:
        plan.record = old
        plan.record.version = VERSION
    if WINDOWS and not program.single_file:
        _add_path(plan, program.path.parent, environ, modify_path=modify_path)
    else:
        _refuse_foreign(program, places.program, plan.record, force=force)
        _add(plan, _program_step(program, places.program))
        _add_path(plan, places.program.parent, environ, modify_path=modify_path)
    for path, contents in extras.items():
        if os.path.lexists(path) and not plan.record.has(path) and not _looks_ours(path):
            plan.left_alone.append(path)
        else:
            _add(plan, PutFile(path, contents))
    plan.record.add_folders(new_folders(places.record))
    plan.steps.insert(0, PutFile(places.record, plan.record.to_bytes(), 0o600))
    return plan


def _program_step(program: Program, path: Path) -> PutFile | PutLink:
    if not program.single_file:
        return PutLink(path, program.path)
    try:
        return PutFile(path, program.path.read_bytes(), 0o755)
    except OSError as error:
        raise InstallFailed(f"{program.path} cannot be read: {error.strerror}") from None


def _add(plan: Plan, step: PutFile | PutLink) -> None:
    """Add a step, and remember what it leaves before it is done: one that fails can be undone."""
    text = str(step.path)
    plan.record.files.pop(text, None)
    plan.record.links.pop(text, None)
    if isinstance(step, PutLink):
        plan.record.links[text] = str(step.target)
    else:
        plan.record.files[text] = digest_of(step.contents)
    plan.record.add_folders(new_folders(step.path))
    plan.steps.append(step)


def _refuse_foreign(program: Program, path: Path, record: Record, *, force: bool) -> None:
    if force or not os.path.lexists(path) or record.owns(path):
        return
    if path.is_symlink() or not is_single_file(path):
        if path.is_symlink() and os.path.realpath(path) == os.path.realpath(program.path):
            return
        raise InstallFailed(
            f"{path} is there already, and is not a cco that was installed",
            advice="Move it away, choose another folder with --prefix, or replace it with --force.",
        )


def _looks_ours(path: Path) -> bool:
    try:
        contents = path.read_bytes() if path.is_file() else b""
    except OSError:
        return False
    return any(mark in contents for mark in _OURS)


def _add_path(plan: Plan, folder: Path, environ: Mapping[str, str], *, modify_path: bool) -> None:
    if sys.platform == "win32":
        from cco.installation.windows_path import PathEntry

        plan.steps.append(PathEntry(folder, wanted=True))
        plan.record.path_entry = str(folder)
        return
    if is_on_path(folder, environ):
        return
    line = shell_line(folder, home_folder(to_write=modify_path), environ)
    if not modify_path:
        plan.line = line
        return
    made = not line.file.exists()
    plan.record.shell_files.setdefault(str(line.file), made)
    plan.record.add_folders(new_folders(line.file))
    plan.steps.append(PutLine(line))


def shadowing(program: Path, found: Path | None) -> Path | None:
    """Another cco that comes first on PATH, if one does."""
    if found is None or os.path.realpath(found) == os.path.realpath(program):
        return None
    return found


def stale_drafts(places: Places) -> Iterator[Path]:
    """What an interrupted or, on Windows, an earlier installation left beside the program."""
    name = places.program.name
    for suffix in ("tmp", "old"):
        yield from places.program.parent.glob(f".{name}.*.{suffix}")
