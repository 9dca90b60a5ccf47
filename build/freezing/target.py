"""The system that a freeze is for: this one, or Windows through whatever runs its programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

PROGRAM = "cco"


class Target(Protocol):
    """What a freeze asks of the system that it is for."""

    name: str

    def run_python(
        self, arguments: Sequence[str], environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run that system's Python, which has PyInstaller, to its end."""

    def path(self, path: Path) -> str:
        """How that Python writes the path of a file."""


class Native:
    """This system."""

    name = sys.platform

    def run_python(
        self, arguments: Sequence[str], environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], env=environ, capture_output=True, text=True, check=False
        )

    def path(self, path: Path) -> str:
        return str(path)


def is_windows(target: Target) -> bool:
    return target.name == "win32"


def program_name(target: Target) -> str:
    """The file name of a program."""
    return f"{PROGRAM}.exe" if is_windows(target) else PROGRAM
