"""A cco of which something is missing or broken, without harm to the one that is tested."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import cco
from tests.conftest import Sandbox

_RUN = "import runpy, sys; sys.path.insert(0, {!r}); runpy.run_module('cco', run_name='__main__')"
_INSIDE = "_internal"


@dataclass
class Program:
    """A copy of cco's files that can be changed, and the command that runs it."""

    folder: Path
    command: tuple[str, ...]
    frozen: bool


def copied_program(sandbox: Sandbox, folder: Path) -> Program:
    """Copy what a sandbox runs: the package, or the folder that the one file unpacks."""
    if not sandbox.frozen:
        shutil.copytree(
            Path(cco.__file__).parent, folder / "cco", ignore=shutil.ignore_patterns("__pycache__")
        )
        return Program(
            folder / "cco", (sys.executable, "-I", "-c", _RUN.format(str(folder))), False
        )
    sandbox.ok("version")
    (copy,) = Path(sandbox.environment()["XDG_CACHE_HOME"], "cco").glob("*/cco")
    shutil.copytree(copy.parent, folder / "cco", copy_function=os.link)
    return Program(folder / "cco", (str(folder / "cco" / "cco"),), True)


def without_catalogue(program: Program) -> None:
    """Take away what every specialist is read from."""
    if program.frozen:
        (program.folder / _INSIDE / "cco-catalogue.sealed").unlink()
    else:
        shutil.rmtree(program.folder / "catalogue" / "agents")
        (program.folder / "catalogue" / "agents").mkdir()


def with_a_defect(program: Program) -> None:
    """Have `cco agents list` fail in a way that nobody foresaw."""
    if program.frozen:
        (library,) = (program.folder / _INSIDE).glob("cryptography/**/_rust*.so")
        library.unlink()
    else:
        source = program.folder / "cli" / "agents.py"
        text = source.read_text()
        assert "    agents = _personal()" in text
        broken = "    raise KeyError(__import__('os').environ.get('MY_API_KEY', 'missing'))\n"
        source.write_text(text.replace("    agents =", f"{broken}    agents ="))
