"""OpenSSL and CPython for systems with an old glibc, compiled from Debian's source packages.

Both are made once and kept in .cache, by what they were made from.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platforms import rootfs, tools
from platforms.errors import PlatformError
from platforms.kept import draft_of
from platforms.machine import Bind, Machine

KEPT = Path(__file__).resolve().parent.parent.parent / ".cache" / "linux"
SUITE = "bullseye"
GLIBC = (2, 31)
TRIPLES = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
LIBRARIES = ("libc6-dev", "libffi-dev", "zlib1g-dev")
PACKAGES = ("binutils", "gcc", "make", "patch", "perl", "pkg-config", "xz-utils", *LIBRARIES)
TIMEOUT_S = 4 * 3600
"""For a step under emulation, on a slow machine."""
_RECIPES = {
    name: tuple(Path(__file__).parent / file for file in files)
    for name, files in {
        "openssl": ("compile_openssl.sh",),
        "python": ("compile_python.sh", "profile_task.py"),
    }.items()
}


@dataclass(frozen=True)
class SourcePackage:
    """A source package of Debian's: which one, and the series that it must be of."""

    name: str
    suite: str
    series: str


CPYTHON = SourcePackage("python3.11", "bookworm", "3.11")
OPENSSL = SourcePackage("openssl", "trixie", "3.5")
"""With long-term support, to April 2030."""

_FETCH = """
sed -i "s/^deb /deb-src /" /etc/apt/sources.list
apt-get -qq update || { sed -i 1!d /etc/apt/sources.list && apt-get -qq update; } || exit
versions=$(apt-cache showsrc "$1" | sed -n "s/^Version: //p" | sort --version-sort -r --unique)
for version in $versions; do # security updates: a mirror may lack some, and keeps only the last
    apt-get -qq -o APT::Sandbox::User=root source --download-only "$1=$version" && exit
    rm -f -- *
    echo "WITHOUT $1 $version, which the mirror does not have"
done
exit 1
"""


def source(package: SourcePackage) -> Path:
    """Fetch a source package of Debian's, which apt verifies; the newest that the mirror has.

    Raises: PlatformError.
    """
    folder = KEPT / f"source-{package.name}-{package.suite}"
    with draft_of(folder) as draft:
        if draft is not None:
            say(f"fetching the sources of {package.name}")
            binds = [Bind(draft, "/source", writable=True)]
            with Machine(rootfs.make(package.suite), network=True, binds=binds) as inside:
                told = inside.ok(
                    *("sh", "-c", _FETCH, "sh", package.name),
                    cwd="/source",
                    env=proxies(),
                    timeout_s=TIMEOUT_S,
                )
            for line in told.splitlines():
                say(line)
            version_in(package, draft)
    return folder


def version_in(package: SourcePackage, folder: Path) -> str:
    """Read the version of a fetched source package as what is compiled from it tells it.

    Shapes: -> upstream's version and Debian's revision, such as `3.5.7+1.deb13u2`.
    Raises: PlatformError for another series than the expected one.
    """
    (description,) = folder.glob("*.dsc")
    version, _, revision = description.stem.partition("_")[2].rpartition("-")
    if not version.startswith(f"{package.series}."):
        raise PlatformError(
            f"{package.name} of {package.suite} is {version} and not {package.series}"
        )
    return f"{version}+{revision.replace('~', '.')}"


def openssl_version() -> str:
    """The version of OpenSSL that the portable programs have, as OpenSSL itself tells it."""
    return version_in(OPENSSL, source(OPENSSL))


def openssl(architecture: str) -> Path:
    """Compile OpenSSL. Shapes: -> what is to be seen as /opt/openssl."""
    return _compile("openssl", architecture, source(OPENSSL), {})


def python(architecture: str) -> Path:
    """Compile CPython, which another architecture's needs for its build.

    Shapes: -> what is to be seen as /opt/python.
    """
    needs = {"openssl": openssl(architecture)}
    own = tools.machine_architecture()
    if architecture != own:
        needs["python"] = python(own)
    return _compile("python", architecture, source(CPYTHON), needs)


def _compile(name: str, architecture: str, sources: Path, needs: Mapping[str, Path]) -> Path:
    """Compile on this machine's own architecture: emulation would take an hour.

    Shapes: needs, what is to be seen below /opt -> what is to be seen as /opt/<name>.
    """
    own, recipe = tools.machine_architecture(), _RECIPES[name]
    foreign = architecture != own
    system = rootfs.make(SUITE, own, [*PACKAGES, *(_cross(architecture) if foreign else [])])
    made_from = [system.name, architecture, *(kept_name(needs[need]) for need in sorted(needs))]
    files = [*recipe, *sorted(sources.iterdir())]
    key = digest(*made_from, *(path.read_bytes() for path in files))
    folder = KEPT / f"{name}-{SUITE}-{architecture}-{key}"
    with draft_of(folder) as draft:
        if draft is not None:
            say(f"compiling {name} for {architecture} in {system.name}")
            binds = [
                Bind(sources, "/opt/source"),
                *(Bind(path, f"/opt/{path.name}") for path in recipe),
                *(Bind(path, f"/opt/{need}") for need, path in needs.items()),
                Bind(draft, "/opt/destination", writable=True),
            ]
            command = ["bash", f"/opt/{recipe[0].name}", "/opt/source", "/opt/destination"]
            command += [str(os.cpu_count() or 1), *([TRIPLES[architecture]] if foreign else [])]
            with Machine(system, binds=binds) as inside:
                result = inside.run(*command, timeout_s=TIMEOUT_S)
            log = KEPT / f".{name}-{architecture}.log"
            log.write_text(result.out + result.err)
            if result.code != 0:
                raise PlatformError(f"{name} cannot be compiled: see {log}")
    return folder / "opt" / name


def kept_name(compiled: Path) -> str:
    """Name what was compiled by all that it was made from."""
    return compiled.parent.parent.name


def _cross(architecture: str) -> list[str]:
    compiler = f"gcc-{TRIPLES[architecture].replace('_', '-')}"
    return [compiler, *(f"{name}:{architecture}" for name in LIBRARIES)]


def proxies() -> dict[str, str]:
    """The proxies that this machine is set up for."""
    return {name: text for name, text in os.environ.items() if name.lower().endswith("_proxy")}


def digest(*parts: str | bytes) -> str:
    """Shapes: -> 12 hex of what something was made from."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(hashlib.sha256(data).digest())
    return whole.hexdigest()[:12]


def say(text: str) -> None:
    print(f"linux: {text}", file=sys.stderr)
