"""The program that runs: one file, which can be copied, or a folder, which stays where it is."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from cco.errors import InstallFailed
from cco.folders import APP

_MAGIC = b"CCOPACK1"  # launcher/launcher.c: where the trailer begins
_TAIL_BYTES = 256 * 1024  # the trailer, and behind it what signs a program on Windows
_CONTENT_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Program:
    """A frozen cco."""

    path: Path
    single_file: bool


def running_program() -> Program:
    """The frozen program that runs.

    Raises: InstallFailed, from a source checkout.
    """
    if not getattr(sys, "frozen", False):
        raise InstallFailed(
            "cco install installs the frozen program, and this is a source checkout",
            advice="Run: make freeze, then dist/cco install",
        )
    program = Path(sys.executable)
    named = os.environ.get("CCO_EXECUTABLE")
    if named and _CONTENT_ID.fullmatch(program.parent.name) and os.path.isfile(named):
        return Program(Path(named), single_file=True)
    unpacked_to = Path(getattr(sys, "_MEIPASS", program.parent))
    return Program(program, single_file=program.parent not in (unpacked_to, *unpacked_to.parents))


def on_path(environ_path: str | None) -> Path | None:
    """The cco that a shell with this PATH would run."""
    found = shutil.which(APP, path=environ_path)
    return Path(found) if found else None


def is_single_file(path: Path) -> bool:
    """Whether a file is a cco that unpacks itself, of whatever version."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _TAIL_BYTES, 0))
            return _MAGIC in file.read()
    except OSError:
        return False
