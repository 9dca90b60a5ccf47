"""Freeze cco for Linux so that it runs on other people's: glibc 2.31 and newer.

    python build/platforms/linux.py [--arch aarch64] [--release] [--if-changed] [--out FILE]

Runs build/freeze.py in a root file system with an old glibc, with a CPython and an OpenSSL that are
compiled there (compiled.py) and the locked requirements: all of it is made once and kept in .cache.
The freeze itself has no network. The build secret comes from the environment variable
CCO_BUILD_SECRET, as there. Needs root.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from freezing import identity, launcher, secret  # noqa: E402
from freezing.scratch import remove_leftovers  # noqa: E402

from platforms import compiled, rootfs, tools  # noqa: E402
from platforms.errors import PlatformError  # noqa: E402
from platforms.kept import draft_of  # noqa: E402
from platforms.machine import CERTIFICATES, Bind, Machine  # noqa: E402

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
LOCKS = tuple(ROOT / "build" / "requirements" / f"{name}.txt" for name in ("runtime", "freeze"))
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
    system = rootfs.make(compiled.SUITE, ARCHITECTURES[machine], compiled.PACKAGES)
    python = compiled.python(ARCHITECTURES[machine])
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
    for kept in compiled.KEPT.glob("environment-*/work"):
        remove_leftovers(kept)
    with Machine(system, binds=binds) as inside:
        inside.ok(*_LDCONFIG)
        result = inside.run(*command, env=_facts(), cwd=str(ROOT), timeout_s=compiled.TIMEOUT_S)
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


def _environment_with_requirements(system: Path, python: Path) -> Path:
    """Install the locked requirements, by hash.

    Shapes: -> folder with `venv`, and `work` for what a freeze keeps.
    """
    key = compiled.digest(
        compiled.kept_name(python), *(path.read_bytes() for path in (*LOCKS, launcher.LOCK))
    )
    folder = compiled.KEPT / f"environment-{key}"
    requirements = [word for lock in LOCKS for word in ("-r", str(lock))]
    with draft_of(folder) as draft:
        if draft is None:
            return folder
        compiled.say(f"installing the locked requirements in {system.name}")
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
                inside.ok(
                    *command, env=_pip_environment(), cwd=str(ROOT), timeout_s=compiled.TIMEOUT_S
                )
    return folder


def _pip_environment() -> dict[str, str]:
    settings = {name: os.environ[name] for name in _PIP if name in os.environ}
    certificates = {"PIP_CERT": str(CERTIFICATES)} if CERTIFICATES.exists() else {}
    return {**compiled.proxies(), **settings, **certificates, "PIP_NO_CACHE_DIR": "1"}


if __name__ == "__main__":
    raise SystemExit(main())
