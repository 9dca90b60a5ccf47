"""Which parts of other people's work are in a frozen program, told by its own bytes.

Every module and every library in it must belong to something that is named here or pinned in
requirements/; a part that nobody can name is an error, not a gap in the list.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from release.contents import Contents
from release.errors import ReleaseError

REQUIREMENTS = Path(__file__).parent.parent / "requirements"
WEB_LOCK = Path(__file__).parent.parent / "web" / "package-lock.json"
ZLIB_VERSION = re.compile(rb"(?:in|de)flate (\d+\.\d+(?:\.\d+)*)[^\0]{0,20} Copyright")
_ZSTD_VERSION = re.compile(rb"zstd decoder (\d+\.\d+\.\d+)\0")
_VENDORED = "_internal/cco/web/vendor/"
_OURS = {"cco", "_cco_build"}
_BOOTLOADER_MODULES = ("pyi", "_pyi")
_NATIVE = re.compile(r"\.(so|dylib|dll|pyd)(\.[\d.]+)?$")
_PYTHON_LIBRARY = re.compile(
    r"_internal/(libpython3\.\d+.*|python3\d*\.dll|(Python\.framework/Versions/3\.\d+/)?Python)"
)
_PYTHON_VERSION = re.compile(rb"\0(3\.\d\d\.\d+(?:(?:a|b|rc)\d+)?)\+?\0")  # not Unicode's 3.2.0


@dataclass(frozen=True)
class Part:
    """One thing that a program is made of. Shapes: sha256 64 hex, of a library that is one file."""

    name: str
    version: str | None
    licence: str | None
    kind: str
    """Of the package URL: `pypi`, `npm`, `cargo` or `generic`."""
    files: tuple[str, ...] = ()
    sha256: str | None = None
    holds: tuple[Part, ...] = ()
    needs: tuple[str, ...] = ()
    """Names of other Python distributions."""


def parts_of(contents: Contents) -> list[Part]:
    """Name every part, sorted by name.

    Raises: ReleaseError for a module or library that belongs to nothing known, and where a part's
    version is not the pinned one.
    """
    from release.distributions import distributions
    from release.libraries import libraries

    native = {name: body for name, body in contents.files.items() if _NATIVE.search(name)}
    parts = [
        _python(contents.files),
        _bootloader(),
        *distributions(contents.modules(), native),
        *libraries(native),
        *_web_parts(contents.files),
    ]
    if contents.launcher is not None:
        parts.append(_zstd_in(contents.launcher))
    return sorted(parts, key=lambda part: (part.name, part.version or "", part.files))


def is_ours_or_pythons(module: str) -> bool:
    """Whether a top-level module is cco's, the standard library's or the bootloader's."""
    known = module in sys.stdlib_module_names or module in _OURS
    return known or module.startswith(_BOOTLOADER_MODULES)


def package_of(file: str) -> str | None:
    """Name the top-level module that an extension module is or is in; None for a plain library.

    Shapes: a path below the program's folder.
    """
    path = PurePosixPath(file).relative_to("_internal")
    if re.fullmatch(r"python3\.\d+|lib-dynload", path.parts[0]):
        return path.name.split(".")[0]
    if len(path.parts) > 1:
        return path.parts[0].removesuffix(".libs")
    if path.suffix == ".pyd" or ".cpython-" in path.name or ".abi3." in path.name:
        return path.name.split(".")[0]
    return None


def is_python(file: str) -> bool:
    """Whether a file is the interpreter itself."""
    return _PYTHON_LIBRARY.fullmatch(file) is not None


def pinned(lock: str) -> dict[str, str]:
    """Read the versions of one of requirements/*.txt, by distribution."""
    text = (REQUIREMENTS / f"{lock}.txt").read_text(encoding="utf-8")
    pairs = re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.M)
    return {normal(name): version for name, version in pairs}


def normal(name: str) -> str:
    """Spell a distribution's name as the index does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def sha256_of(body: bytes) -> str:
    """Shapes: -> 64 lower-case hex."""
    return hashlib.sha256(body).hexdigest()


def _python(files: Mapping[str, bytes]) -> Part:
    for name, body in sorted(files.items()):
        versions = {match.decode() for match in _PYTHON_VERSION.findall(body)}
        if is_python(name) and versions:
            if len(versions) > 1:
                raise ReleaseError(f"{name} tells more than one version: {sorted(versions)}")
            version = versions.pop()
            return Part("cpython", version, "PSF-2.0", "generic", (name,), sha256_of(body))
    raise ReleaseError("the program holds no Python that tells its version")


def _bootloader() -> Part:
    version = pinned("freeze")["pyinstaller"]
    licence = "GPL-2.0-or-later WITH Bootloader-exception"
    return Part("pyinstaller", version, licence, "pypi", ("cco",))


def _zstd_in(launcher: bytes) -> Part:
    match = _ZSTD_VERSION.search(launcher)
    if match is None:
        raise ReleaseError("the launcher does not tell the version of its zstd")
    return Part("zstd", match[1].decode(), "BSD-3-Clause", "generic", ("launcher",))


def _web_parts(files: Mapping[str, bytes]) -> list[Part]:
    """What the dashboard takes from npm, each file named after its package."""
    packages = json.loads(WEB_LOCK.read_text(encoding="utf-8"))["packages"]
    by_package: dict[str, list[str]] = {}
    for name in sorted(files):
        if name.startswith(_VENDORED):
            package = PurePosixPath(name).name.split(".")[0].lower()
            by_package.setdefault(package, []).append(name)
    parts = []
    for package, names in by_package.items():
        locked = packages.get(f"node_modules/{package}")
        if locked is None:
            raise ReleaseError(f"{names[0]} is of no package that build/web pins")
        licence = locked.get("license")
        parts.append(Part(package, locked["version"], licence, "npm", tuple(names)))
    return parts
