"""Freeze the same program as people usually do, to have something to compare with: PyInstaller's
default options, and every import at the top of the program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from freezing import identity
from freezing.bundle import CATALOGUE_FILE, Build, write_generated

from cco.build_info import DEVELOPMENT_SECRET, VERSION
from cco.catalogue.bundle import seal_bundle

ROOT = Path(__file__).parents[2]


def freeze(kind: str, work: Path) -> Path:
    """Freeze with PyInstaller's default options, as `onefile` or `onedir`; returns the program."""
    sources = identity.identify(ROOT)
    folder = work / f"{kind}-{sources.commit}"
    program = folder / "dist" / ("cco" if kind == "onefile" else "cco/cco")
    if program.is_file() and "+" not in sources.commit:
        return program
    shutil.rmtree(folder, ignore_errors=True)
    generated = folder / "generated"
    build_id = identity.build_id(DEVELOPMENT_SECRET, VERSION, sources.commit)
    build = Build(DEVELOPMENT_SECRET, False, VERSION, sources.commit, build_id)
    write_generated(generated, build, seal_bundle(DEVELOPMENT_SECRET))
    script = folder / "naive.py"
    script.write_text(_eager())
    subprocess.run(
        [
            *(sys.executable, "-m", "PyInstaller", f"--{kind}", "--name", "cco"),
            *("--noconfirm", "--log-level", "ERROR", "--paths", str(ROOT)),
            *("--paths", str(generated), "--hidden-import", "_cco_build"),
            *("--add-data", f"{generated / CATALOGUE_FILE}{os.pathsep}."),
            *("--add-data", f"{ROOT / 'cco/web'}{os.pathsep}cco/web"),
            *("--distpath", str(folder / "dist"), "--workpath", str(folder / "work")),
            *("--specpath", str(folder), str(script)),
        ],
        check=True,
        env={**os.environ, "PYINSTALLER_CONFIG_DIR": str(folder / "config")},
    )
    return program


def _eager() -> str:
    """A program that imports all of cco before it looks at what is asked of it."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "cco").rglob("*.py"))
        if path.stem not in ("__main__", "__init__") and not path.stem.startswith("windows_")
    ]
    imports = "".join(f"import {module}\n" for module in modules)
    return f"{imports}raise SystemExit(cco.cli.entry.main())\n"
