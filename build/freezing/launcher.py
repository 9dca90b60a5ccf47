"""Compile the launcher, together with the decoder of Zstandard from a locked sdist."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from freezing import windows_resources
from freezing.bundle import Build
from freezing.errors import FreezeError
from freezing.target import Target, is_windows

SOURCES = Path(__file__).parent.parent / "launcher"
LOCK = Path(__file__).parent.parent / "requirements" / "launcher.txt"

_COMMON = ["-std=gnu11", "-D_FILE_OFFSET_BITS=64", "-fstack-protector-strong"]
_WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wformat=2"]
_DECODER = (
    *(
        f"common/{name}.c"
        for name in (
            "debug",
            "entropy_common",
            "error_private",
            "fse_decompress",
            "xxhash",
            "zstd_common",
        )
    ),
    *(
        f"decompress/{name}.c"
        for name in ("huf_decompress", "zstd_ddict", "zstd_decompress", "zstd_decompress_block")
    ),
)
_DECODER_FLAGS = ["-O2", "-w", "-DZSTD_DISABLE_ASM=1", "-DZSTD_LEGACY_SUPPORT=0"]


MINGW_FOLDERS = tuple(
    Path(f"C:/{name}/bin") for name in ("mingw64", "msys64/ucrt64", "msys64/mingw64")
)
"""Where MinGW-w64 is, on PATH or not: on GitHub's Windows runners, and as MSYS2 has it."""
_MINGW_TARGET = re.compile(r"x86_64-\w+-(mingw32|windows-gnu)")


@dataclass(frozen=True)
class _Tools:
    """How one kind of system's launcher is compiled and linked."""

    compiler: Sequence[str]
    sources: Sequence[Path]
    flags: Sequence[str]
    link: Sequence[str]
    libraries: Sequence[str] = ()


def build_launcher(work: Path, target: Target, build: Build) -> bytes:
    """Compile the launcher for the target, on this machine.

    Raises: FreezeError without a C compiler, or if the decoder's sources cannot be had.
    """
    tools = _windows() if is_windows(target) else _posix()
    decoder = decoder_sources(work)
    folder = work / "launcher"
    folder.mkdir(parents=True, exist_ok=True)
    objects = []
    for source in tools.sources:
        flags = [*tools.flags, "-Os", *_WARNINGS, f"-I{decoder}"]
        objects.append(_compile(tools.compiler, flags, source, folder))
    for name in _DECODER:  # not ours to lint, and the one place where speed counts
        flags = [*tools.flags, *_DECODER_FLAGS]
        objects.append(_compile(tools.compiler, flags, decoder / name, folder))
    if is_windows(target):
        objects.append(_resources(tools.compiler, build, folder))
    program = folder / "launcher.bin"  # MinGW would end a name without an ending in .exe
    _run([*tools.compiler, *tools.link, "-o", str(program), *map(str, objects), *tools.libraries])
    return program.read_bytes()


def _posix() -> _Tools:
    compiler = _compiler(
        "cc",
        "Debian: apt-get install gcc libc6-dev. macOS: xcode-select --install",
    )
    hardened = ["-s", "-pie", "-Wl,-z,relro,-z,now,-z,noexecstack", "-Wl,--build-id=none"]
    return _Tools(
        compiler,
        sorted(SOURCES.glob("*.c")),
        ["-fPIE", "-D_FORTIFY_SOURCE=2"],
        ["-Wl,-dead_strip"] if sys.platform == "darwin" else hardened,
    )


def _windows() -> _Tools:
    """MinGW-w64, on Windows itself or as a cross compiler."""
    here = sys.platform == "win32"
    compiler = mingw("gcc", MINGW_FOLDERS) if here else mingw("x86_64-w64-mingw32-gcc", ())
    hardened = "-Wl,--no-insert-timestamp,--dynamicbase,--nxcompat,--high-entropy-va"
    return _Tools(
        compiler,
        [*sorted((SOURCES / "windows").glob("*.c")), SOURCES / "unpack.c"],
        ["-DUNICODE", "-D_UNICODE", "-D_WIN32_WINNT=0x0A00"],
        ["-s", "-static", "-fstack-protector-strong", hardened],
        ["-ladvapi32", "-luuid"],
    )


def mingw(usual: str, folders: Iterable[Path]) -> list[str]:
    """Find a compiler for 64-bit Windows: CC, on PATH, or in one of the folders.

    Raises: FreezeError, also for a compiler that makes something else.
    """
    if "CC" not in os.environ and shutil.which(usual) is None:
        found = (folder / f"{usual}.exe" for folder in folders)
        usual = next((str(path) for path in found if path.is_file()), usual)
    compiler = _compiler(
        usual,
        "Debian: apt-get install gcc-mingw-w64-x86-64. Windows: MinGW-w64 for x86_64 with its bin"
        " folder on PATH; in MSYS2, pacman -S mingw-w64-ucrt-x86_64-gcc",
    )
    made_for = _run([*compiler, "-dumpmachine"]).strip()
    if _MINGW_TARGET.fullmatch(made_for) is None:
        raise FreezeError(
            f"{' '.join(compiler)} compiles for {made_for}, not for 64-bit Windows",
            "Put the bin folder of MinGW-w64 for x86_64 first on PATH, or set CC.",
        )
    return compiler


def _compiler(usual: str, where_from: str) -> list[str]:
    given = os.environ.get("CC")
    command = [usual] if given is None else shlex.split(given, posix=os.name == "posix")
    if not command or shutil.which(command[0]) is None:
        raise FreezeError(
            f"no C compiler: {' '.join(command) or 'CC is empty'}",
            f"Install one, or set CC. {where_from}",
        )
    return command


def _resources(compiler: Sequence[str], build: Build, folder: Path) -> Path:
    """Compile what Windows shows of the launcher; windres comes with the compiler."""
    (folder / "manifest.xml").write_text(windows_resources.manifest(), encoding="utf-8")
    script = windows_resources.resource_script(build.version, build.build_id, "manifest.xml")
    (folder / "resources.rc").write_text(script, encoding="utf-8")
    windres = compiler[0].removesuffix(".exe").removesuffix("gcc") + "windres"
    command = [windres, "--codepage=65001", "--include-dir", str(folder)]
    _run([*command, str(folder / "resources.rc"), str(folder / "resources.o")])
    return folder / "resources.o"


def decoder_folder(kept: Path) -> Path:
    """Name the folder of the decoder's sources, fetched or not."""
    return kept / f"zstd-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"


def decoder_sources(work: Path) -> Path:
    """Fetch the sources of Zstandard's decoder once, by hash, and return their folder.

    They come from an sdist, so that every system compiles the same ones and none needs a package
    for them.
    """
    folder = decoder_folder(work.parent)
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="sdist-") as scratch:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        download += ["--require-hashes", "--no-binary", "zstd", "--no-build-isolation"]
        download += ["--disable-pip-version-check", "--dest", scratch, "--requirement", str(LOCK)]
        _run(download)
        unpacked = Path(scratch, "zstd")
        with tarfile.open(next(Path(scratch).glob("*.tar.gz"))) as sdist:
            for member in sdist:
                path = Path(*Path(member.name).parts[1:])
                source = sdist.extractfile(member) if _is_decoders(path) else None
                if source is not None:
                    target = unpacked / path.relative_to("zstd/lib")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(source.read())
        try:
            unpacked.rename(folder)
        except OSError:
            if not folder.exists():  # else another build was faster
                raise
    return folder


def _is_decoders(path: Path) -> bool:
    """Whether a file of the sdist is of the decoder: its own, what it shares, public headers."""
    inside = path.suffix in (".c", ".h") and path.parts[:2] == ("zstd", "lib")
    return inside and (len(path.parts) == 3 or path.parts[2] in ("common", "decompress"))


def _compile(compiler: Sequence[str], flags: Sequence[str], source: Path, target: Path) -> Path:
    result = target / f"{source.stem}.o"
    _run([*compiler, *_COMMON, *flags, "-c", str(source), "-o", str(result)])
    return result


def _run(command: Sequence[str]) -> str:
    """Run a tool and return what it printed; parts of MinGW's find their libraries by PATH."""
    folders = filter(None, (os.path.dirname(command[0]), os.environ.get("PATH")))
    environment = {**os.environ, "PATH": os.pathsep.join(folders)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FreezeError(
            f"exit status {done.returncode} from {shlex.join(command)}\n{done.stderr.strip()}",
            "Correct what it complains about, and freeze again.",
        )
    return done.stdout
