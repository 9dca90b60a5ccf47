"""Freeze cco for Linux so that it runs on other people's: glibc 2.31 and newer.

    python build/platforms/linux.py [--arch aarch64] [--release] [--if-changed] [--out FILE]

Runs build/freeze.py in a root file system with an old glibc, with a CPython compiled there and the
locked requirements: all of it is made once and kept in .cache. The freeze itself has no network.
The build secret comes from the environment variable CCO_BUILD_SECRET, as there. Needs root.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from freezing import identity, launcher, secret  # noqa: E402
from freezing.scratch import remove_leftovers  # noqa: E402

from platforms import rootfs, tools  # noqa: E402
from platforms.errors import PlatformError  # noqa: E402
from platforms.kept import draft_of  # noqa: E402
from platforms.machine import CERTIFICATES, Bind, Machine  # noqa: E402

KEPT = ROOT / ".cache" / "linux"
SUITE = "bullseye"
GLIBC = (2, 31)
SOURCE_SUITE = "bookworm"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
TRIPLES = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
LIBRARIES = ("libc6-dev", "libffi-dev", "libssl-dev", "zlib1g-dev")
PACKAGES = ("binutils", "gcc", "make", "patch", "pkg-config", "xz-utils", *LIBRARIES)
LOCKS = tuple(ROOT / "build" / "requirements" / f"{name}.txt" for name in ("runtime", "freeze"))
RECIPE = tuple(Path(__file__).parent / name for name in ("compile_python.sh", "profile_task.py"))
TIMEOUT_S = 4 * 3600
"""For a step under emulation, on a slow machine."""
_NICENESS = 10
_LDCONFIG = ("ldconfig", "/opt/python/lib")
_PIP = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="Freeze cco for glibc 2.31 and newer.")
    parser.add_argument("--arch", choices=sorted(ARCHITECTURES), default=os.uname().machine)
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: in dist/platforms")
    parser.add_argument("--release", action="store_true", help="demand a real build secret")
    parser.add_argument("--if-changed", action="store_true", help="do nothing if it is up to date")
    options = parser.parse_args(arguments)
    os.nice(_NICENESS)
    flags = [*(["--release"] if options.release else [])]
    flags += ["--if-changed"] if options.if_changed else []
    try:
        build(options.arch, options.out or default_output(options.arch), flags)
    except PlatformError as error:
        print(f"linux: {error}", file=sys.stderr)
        return 1
    return 0


def default_output(machine: str) -> Path:
    """Where the program for a kind of machine goes. Shapes: machine as `uname -m` says it."""
    return ROOT / "dist" / "platforms" / f"cco-linux-{machine}"


def build(machine: str, out: Path, flags: Sequence[str] = ()) -> None:
    """Freeze for a kind of machine, making whatever that needs first.

    Raises: PlatformError.
    """
    tools.demand_root()
    system = rootfs.make(SUITE, ARCHITECTURES[machine], PACKAGES)
    python = _python(ARCHITECTURES[machine], _source())
    environment = _environment_with_requirements(system, python)
    out.parent.mkdir(parents=True, exist_ok=True)
    (ROOT / ".build").mkdir(exist_ok=True)
    binds = [
        Bind(python, "/opt/python"),
        Bind(environment / "venv", "/opt/venv"),
        Bind(ROOT, str(ROOT)),
        Bind(environment / "work", str(ROOT / ".build"), writable=True),
        Bind(out.parent, "/opt/out", writable=True),
    ]
    command = ["/opt/venv/bin/python", "build/freeze.py", "--out", f"/opt/out/{out.name}", *flags]
    for kept in KEPT.glob("environment-*/work"):
        remove_leftovers(kept)
    with Machine(system, binds=binds) as inside:
        inside.ok(*_LDCONFIG)
        result = inside.run(*command, env=_facts(), cwd=str(ROOT), timeout_s=TIMEOUT_S)
    sys.stderr.write(result.err)
    if result.code != 0:
        raise PlatformError(f"the freeze inside ended with exit status {result.code}")


def _facts() -> dict[str, str]:
    """What only the outside knows: the commit, its time, the build secret."""
    sources = identity.identify(ROOT)
    given = os.environ.get(secret.VARIABLE)
    return {
        identity.COMMIT_VARIABLE: sources.commit,
        "SOURCE_DATE_EPOCH": str(sources.time_s),
        **({secret.VARIABLE: given} if given else {}),
    }


_FETCH_SOURCE = """
sed -i "s/^deb /deb-src /" /etc/apt/sources.list
fetch() {
    apt-get -qq update && apt-get -qq -o APT::Sandbox::User=root source --download-only python3.11
}
fetch && exit
sed -i 1!d /etc/apt/sources.list # the archive of security updates keeps only the very last ones
rm -f -- *
fetch
"""


def _source() -> Path:
    """Fetch Debian's source package of CPython, which apt verifies."""
    folder = KEPT / f"source-{SOURCE_SUITE}"
    with draft_of(folder) as draft:
        if draft is not None:
            _say("fetching the sources of CPython")
            system, binds = rootfs.make(SOURCE_SUITE), [Bind(draft, "/source", writable=True)]
            with Machine(system, network=True, binds=binds) as inside:
                inside.ok(
                    "sh", "-c", _FETCH_SOURCE, cwd="/source", env=proxies(), timeout_s=TIMEOUT_S
                )
    return folder


def _python(architecture: str, source: Path) -> Path:
    """Compile CPython for an architecture, on this machine's own: emulation would take an hour.

    Shapes: -> what is to be seen as /opt/python.
    """
    own = tools.machine_architecture()
    triple = TRIPLES[architecture]
    foreign = architecture != own
    packages = [*PACKAGES, *(_cross_packages(architecture) if foreign else [])]
    system = rootfs.make(SUITE, own, packages)
    key = _digest(system.name, architecture, *map(_text, [*RECIPE, *sorted(source.iterdir())]))
    folder = KEPT / f"python-{SUITE}-{architecture}-{key}"
    binds = [Bind(source, "/opt/source"), *(Bind(path, f"/opt/{path.name}") for path in RECIPE)]
    if foreign and not folder.exists():
        binds += [Bind(_python(own, source), "/opt/python")]
    with draft_of(folder) as draft:
        if draft is not None:
            _say(f"compiling CPython for {architecture} in {system.name}")
            binds += [Bind(draft, "/opt/destination", writable=True)]
            command = ["bash", f"/opt/{RECIPE[0].name}", "/opt/source", "/opt/destination"]
            command += [str(os.cpu_count() or 1), *([triple] if foreign else [])]
            with Machine(system, binds=binds) as inside:
                result = inside.run(*command, timeout_s=TIMEOUT_S)
            (KEPT / f".python-{architecture}.log").write_text(result.out + result.err)
            if result.code != 0:
                raise PlatformError(f"CPython cannot be compiled: see .python-{architecture}.log")
    return folder / "opt" / "python"


def _cross_packages(architecture: str) -> list[str]:
    compiler = f"gcc-{TRIPLES[architecture].replace('_', '-')}"
    return [compiler, *(f"{name}:{architecture}" for name in LIBRARIES)]


def _environment_with_requirements(system: Path, python: Path) -> Path:
    """Install the locked requirements, by hash.

    Shapes: -> folder with `venv`, and `work` for what a freeze keeps.
    """
    key = _digest(python.parent.parent.name, *map(_text, LOCKS), _text(launcher.LOCK))
    folder = KEPT / f"environment-{key}"
    requirements = [word for lock in LOCKS for word in ("-r", str(lock))]
    with draft_of(folder) as draft:
        if draft is None:
            return folder
        _say(f"installing the locked requirements in {system.name}")
        for name in ("venv", "work"):
            (draft / name).mkdir()
        binds = [
            Bind(python, "/opt/python"),
            Bind(draft / "venv", "/opt/venv", writable=True),
            Bind(ROOT, str(ROOT)),
            Bind(draft / "work", "/opt/work", writable=True),
            *([Bind(CERTIFICATES, str(CERTIFICATES))] if CERTIFICATES.exists() else []),
        ]
        check = "import ctypes, hashlib, pyexpat, ssl, zlib"  # one that cannot be built stays out
        fetch_decoder = (
            "import pathlib, sys; sys.path.insert(0, 'build'); from freezing import launcher; "
            "launcher.decoder_sources(pathlib.Path('/opt/work/freeze'))"
        )
        pip = ["/opt/venv/bin/python", "-m", "pip", "install", "-qq", "--require-hashes"]
        with Machine(system, network=True, binds=binds) as inside:
            for command in (
                _LDCONFIG,
                ["/opt/python/bin/python3.11", "-c", check],
                ["/opt/python/bin/python3.11", "-m", "venv", "/opt/venv"],
                [*pip, "--disable-pip-version-check", *requirements],
                ["/opt/venv/bin/python", "-c", fetch_decoder],
            ):
                inside.ok(*command, env=_pip_environment(), cwd=str(ROOT), timeout_s=TIMEOUT_S)
    return folder


def proxies() -> dict[str, str]:
    """The proxies that this machine is set up for."""
    return {name: text for name, text in os.environ.items() if name.lower().endswith("_proxy")}


def _pip_environment() -> dict[str, str]:
    settings = {name: os.environ[name] for name in _PIP if name in os.environ}
    certificates = {"PIP_CERT": str(CERTIFICATES)} if CERTIFICATES.exists() else {}
    return {**proxies(), **settings, **certificates, "PIP_NO_CACHE_DIR": "1"}


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(hashlib.sha256(data).digest())
    return digest.hexdigest()[:12]


def _text(path: Path) -> bytes:
    return path.read_bytes()


def _say(text: str) -> None:
    print(f"linux: {text}", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
