"""Compile the launcher, together with the zlib sources from PyInstaller's locked sdist."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from freezing.errors import FreezeError

SOURCES = Path(__file__).parent.parent / "launcher"
LOCK = Path(__file__).parent.parent / "requirements" / "launcher.txt"

_COMMON = ["-std=gnu11", "-D_FILE_OFFSET_BITS=64", "-fPIE", "-fstack-protector-strong"]
_WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wformat=2"]
_HARDENED_LINK = ["-pie", "-Wl,-z,relro,-z,now,-z,noexecstack", "-Wl,--build-id=none"]
_INFLATE = ("adler32.c", "crc32.c", "inffast.c", "inflate.c", "inftrees.c", "zutil.c")


def build_launcher(work: Path) -> bytes:
    """Compile the launcher for this machine's kind.

    Raises: FreezeError without a C compiler, or if the zlib sources cannot be had.
    """
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if not compiler or shutil.which(compiler[0]) is None:
        raise FreezeError(
            f"no C compiler: {' '.join(compiler) or 'CC is empty'}",
            "Install one, or set CC. Debian: apt-get install gcc libc6-dev. "
            "macOS: xcode-select --install",
        )
    zlib = zlib_sources(work)
    target = work / "launcher"
    target.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in sorted(SOURCES.glob("*.c")):
        flags = ["-Os", "-D_FORTIFY_SOURCE=2", *_WARNINGS, f"-I{zlib}"]
        objects.append(_compile(compiler, flags, source, target))
    for name in _INFLATE:  # not ours to lint, and the one place where speed counts
        objects.append(_compile(compiler, ["-O2", "-w"], zlib / name, target))
    program = target / "cco-launcher"
    link = ["-Wl,-dead_strip"] if sys.platform == "darwin" else ["-s", *_HARDENED_LINK]
    _run([*compiler, *link, "-o", str(program), *map(str, objects)])
    return program.read_bytes()


def zlib_sources(work: Path) -> Path:
    """Fetch the zlib sources once, by hash, and return their folder.

    They come from the sdist of PyInstaller, which carries zlib for its own bootloader, so that
    every system compiles the same ones and none needs a package for it.
    """
    folder = work.parent / f"zlib-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="sdist-") as scratch:
        _run(
            [
                *(
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--no-deps",
                    "--require-hashes",
                ),
                *(
                    "--no-binary",
                    "pyinstaller",
                    "--no-build-isolation",
                    "--disable-pip-version-check",
                ),
                *("--dest", scratch, "--requirement", str(LOCK)),
            ],
            # pip asks the sdist for its metadata, and the sdist compiles a bootloader before it
            # answers, unless asked for a system whose bootloader it holds ready-made.
            PYI_PLATFORM="Windows-64bit-intel",
        )
        unpacked = Path(scratch, "zlib")
        unpacked.mkdir()
        with tarfile.open(next(Path(scratch).glob("*.tar.gz"))) as sdist:
            for member in sdist:
                name = Path(member.name)
                source = sdist.extractfile(member)
                if source is not None and name.parts[1:3] == ("bootloader", "zlib"):
                    (unpacked / name.name).write_bytes(source.read())
        try:
            unpacked.rename(folder)
        except OSError:
            if not folder.exists():  # else another build was faster
                raise
    return folder


def _compile(compiler: Sequence[str], flags: Sequence[str], source: Path, target: Path) -> Path:
    result = target / f"{source.stem}.o"
    _run([*compiler, *_COMMON, *flags, "-c", str(source), "-o", str(result)])
    return result


def _run(command: Sequence[str], **environment: str) -> None:
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise FreezeError(
            f"exit status {done.returncode} from {shlex.join(command)}\n{done.stderr.strip()}",
            "Correct what it complains about, and freeze again.",
        )
