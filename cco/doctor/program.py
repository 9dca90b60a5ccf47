"""This program: what it is, where it is, and whether a shell would run it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from cco import build_info
from cco.doctor.finding import NOTE, OK, Finding
from cco.errors import CcoError
from cco.folders import APP
from cco.installation.program import Program, running_program

_NAMES = (f"{APP}.exe", f"{APP}.cmd") if sys.platform == "win32" else (APP,)


def examine() -> Iterator[Finding]:
    """The build, its file, its unpacked copy, and PATH."""
    build = build_info.current()
    told = f"{build.label}, id {build.build_id}"
    if build.development:
        advice = "Its files are sealed under a secret that everybody knows: fine to try it out."
        yield Finding("program.build", "cco", NOTE, told, advice)
    else:
        yield Finding("program.build", "cco", OK, told)
    python = ".".join(map(str, sys.version_info[:3]))
    system = " ".join(filter(None, (_system(), f"Python {python}")))
    yield Finding("program.system", "system", OK, system)
    try:
        program = running_program()
    except CcoError:
        folder = Path(build_info.__file__).parent
        yield Finding("program.file", "program", OK, f"a source checkout in {folder}")
        return
    yield Finding("program.file", "program", OK, str(program.path))
    if program.single_file:
        yield Finding("program.copy", "unpacked copy", OK, str(Path(sys.executable).parent))
    yield _on_path(program)


def _system() -> str:
    if sys.platform == "win32":
        version = sys.getwindowsversion()
        return f"Windows {version.major}.{version.minor}.{version.build}"
    told = os.uname()
    return f"{told.sysname} {told.release} {told.machine}"


def _on_path(program: Program) -> Finding:
    finding_id, subject = "program.on_path", "PATH"
    found = list(on_path(os.environ.get("PATH", "")))
    mine = os.path.realpath(program.path)
    if not found:
        return Finding(
            finding_id,
            subject,
            NOTE,
            "a shell finds no cco: Claude Code finds this one all the same",
            f"To type cco: {program.path} install",
        )
    if os.path.realpath(found[0]) != mine:
        return Finding(
            finding_id,
            subject,
            NOTE,
            f"a shell runs {found[0]}, which is another cco than this one",
            "Remove one of the two, or put this one's folder first on PATH.",
        )
    others = [str(one) for one in found[1:] if os.path.realpath(one) != mine]
    if others:
        told = f"this cco comes first, before {', '.join(others)}"
        return Finding(finding_id, subject, NOTE, told, "Remove those that you do not need.")
    return Finding(finding_id, subject, OK, "a shell runs this cco")


def on_path(value: str) -> Iterator[Path]:
    """Every cco on PATH, in the order in which a shell looks; each folder once."""
    seen = set()
    for entry in value.split(os.pathsep):
        folder = entry.strip('"')
        if not os.path.isabs(folder) or os.path.realpath(folder) in seen:
            continue
        seen.add(os.path.realpath(folder))
        for name in _NAMES:
            path = Path(folder) / name
            if os.path.isfile(path) and os.access(path, os.X_OK):
                yield path
                break
