"""Run PyInstaller: from the sources to a folder that holds the program and all that it needs."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from freezing import windows_resources
from freezing.errors import FreezeError
from freezing.secret import VARIABLE as SECRET_VARIABLE
from freezing.target import PROGRAM, Target, program_name

SPEC = Path(__file__).parent.parent.parent / "spec" / "cco.spec"
BUILD_MODULE = "_cco_build"
CATALOGUE_FILE = "cco-catalogue.sealed"
VERSION_FILE = "windows-version.txt"
MANIFEST_FILE = "windows-manifest.xml"
_NEUTRAL = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class Build:
    """What a frozen program knows of its own making.

    Shapes: secret 32 bytes or more, or the development one; build_id 16 hex.
    """

    secret: bytes = field(repr=False)
    release: bool
    version: str
    commit: str
    build_id: str


def write_generated(folder: Path, build: Build, catalogue: bytes) -> None:
    """Write what is generated for a build: the module with its constants, the sealed catalogue,
    what Windows shows of the program."""
    folder.mkdir(parents=True, mode=0o700)
    module = folder / f"{BUILD_MODULE}.py"
    module.touch(mode=0o600)
    module.write_text(_module_text(build))
    (folder / CATALOGUE_FILE).write_bytes(catalogue)
    (folder / VERSION_FILE).write_text(
        windows_resources.version_info(build.version, build.build_id), encoding="utf-8"
    )
    (folder / MANIFEST_FILE).write_text(windows_resources.manifest(), encoding="utf-8")


def _module_text(build: Build) -> str:
    """The secret is put together from two shares, so that searching the program's files for its
    bytes finds nothing. Whoever runs the program can still have it: see SECURITY.md."""
    digest = hashlib.shake_256(b"cco/build/share\0" + build.secret)
    share = digest.digest(len(build.secret))
    other = bytes(a ^ b for a, b in zip(share, build.secret, strict=True))
    return (
        f"SECRET = bytes(a ^ b for a, b in zip({share!r}, {other!r}))\n"
        f"RELEASE = {build.release!r}\n"
        f"COMMIT = {build.commit!r}\n"
        f"BUILD_ID = {build.build_id!r}\n"
    )


def build_folder(work: Path, generated: Path, target: Target, *, time_s: int) -> Path:
    """Freeze the program into a folder; everything PyInstaller writes or caches stays in `work`.

    Raises: FreezeError with PyInstaller's last words.
    """
    dist = work / "dist"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != SECRET_VARIABLE and not name.startswith(("PYTHON", "PYINSTALLER"))
    }
    environment |= _NEUTRAL | {
        "PYTHONHASHSEED": "1",
        "SOURCE_DATE_EPOCH": str(time_s),
        # builds that share one mix up their files
        "PYINSTALLER_CONFIG_DIR": target.path(work / "config"),
        "PYINSTALLER_ZLIB_COMPRESSION_LEVEL": "0",  # the payload is compressed as a whole
    }
    arguments = ["-m", "PyInstaller", target.path(SPEC), "--noconfirm", "--log-level", "WARN"]
    arguments += ["--distpath", target.path(dist), "--workpath", target.path(work / "pyinstaller")]
    arguments += ["--", target.path(generated)]
    done = target.run_python(arguments, environment)
    program = dist / PROGRAM / program_name(target)
    if done.returncode != 0 or not program.exists():
        last_words = "\n".join(done.stderr.strip().splitlines()[-20:])
        raise FreezeError(
            f"PyInstaller ended with exit status {done.returncode}:\n{last_words}",
            "If it misses a shared libpython or objdump: make bootstrap. Else see the lines above.",
        )
    return program.parent
