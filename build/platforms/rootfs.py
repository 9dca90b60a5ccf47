"""A Debian root file system, made once and kept in .cache/rootfs.

    python build/platforms/rootfs.py SUITE [--arch arm64] [--include a,b]    prints its path

It is Debian's minimal set of packages (no Python), and with --include others and what they need,
all from the mirror that this machine's apt uses. Programs of other architectures run through qemu.
Needs root; debootstrap and qemu are installed where they are missing. machine.py runs programs
inside.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "build")]

from platforms import tools  # noqa: E402
from platforms.errors import PlatformError  # noqa: E402
from platforms.kept import draft_of  # noqa: E402
from platforms.machine import Machine  # noqa: E402

KEPT = ROOT / ".cache" / "rootfs"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""What debootstrap verifies Debian with."""
SUITES = ("bullseye", "bookworm", "trixie")
INSTALL_TIMEOUT_S = 3600


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="Make a Debian root file system, print its path.")
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--arch", choices=sorted(tools.EMULATED), help="default: this machine's")
    parser.add_argument("--include", default="", metavar="PACKAGES", help="separated by commas")
    options = parser.parse_args(arguments)
    try:
        include = [name for name in options.include.split(",") if name]
        print(make(options.suite, options.arch, include))
    except PlatformError as error:
        print(f"rootfs: {error}", file=sys.stderr)
        return 1
    return 0


def make(suite: str, architecture: str | None = None, include: Sequence[str] = ()) -> Path:
    """Return the folder of a root file system, making it if there is none yet.

    Raises: PlatformError.
    """
    tools.demand_root()
    architecture = architecture or tools.machine_architecture()
    tools.demand_emulation(architecture)
    base = KEPT / f"{suite}-{architecture}"
    with draft_of(base) as draft:
        if draft is not None:
            _say(f"making {base.name}")
            _bootstrap(suite, architecture, draft)
    if not include:
        return base
    packages = sorted(set(include))
    folder = KEPT / f"{base.name}-{hashlib.sha256(' '.join(packages).encode()).hexdigest()[:12]}"
    with draft_of(folder) as draft:
        if draft is not None:
            _say(f"making {folder.name}: {base.name} with {' '.join(packages)}")
            tools.run(["cp", "-a", "--reflink=auto", f"{base}/.", str(draft)])
            _install(draft, packages)
    return folder


def _bootstrap(suite: str, architecture: str, target: Path) -> None:
    tools.demand("debootstrap", "unshare")
    if not KEYRING.exists():  # a debootstrap of another distribution's comes without it
        tools.install("debian-archive-keyring")
    mirror, security = apt_mirrors()
    foreign = architecture != tools.machine_architecture()
    log = KEPT / f".{suite}-{architecture}.log"
    command = ["debootstrap", "--variant=minbase", f"--arch={architecture}", "--force-check-gpg"]
    command += [*(["--foreign"] if foreign else []), suite, str(target), *mirror]
    tools.run([*_PRIVATE, *command], log=log)
    if foreign:
        second = ["chroot", str(target), "/debootstrap/debootstrap", "--second-stage"]
        tools.run([*_PRIVATE, *second], log=log)
    sources = target / "etc" / "apt" / "sources.list"
    if foreign and mirror:  # the second stage knows nothing of it
        sources.write_text(f"deb {mirror[0]} {suite} main\n")
    with sources.open("a") as file:
        file.writelines(f"deb {uri} {suite}-security main\n" for uri in security)
    for name in ("resolv.conf", "hostname"):  # copied from this machine
        (target / "etc" / name).unlink(missing_ok=True)
    shutil.rmtree(target / "var" / "cache" / "apt" / "archives", ignore_errors=True)


_PRIVATE = ("unshare", "--mount", "--propagation", "private", "--")
"""Whatever debootstrap mounts is gone when it ends."""


def apt_mirrors() -> tuple[list[str], list[str]]:
    """Ask apt where this machine takes Debian from, and its security updates.

    Shapes: -> at most one address each; none where the machine is no Debian.
    """
    if shutil.which("apt-get") is None:
        return [], []
    template = "$(LABEL)\t$(REPO_URI)\t$(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", template, "Created-By: Packages"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        label, address, component = line.split("\t")
        if component == "main":
            found.setdefault(label, [address.rstrip("/")])
    return found.get("Debian", []), found.get("Debian-Security", [])


def _install(target: Path, packages: Sequence[str]) -> None:
    try:
        _install_once(target, packages)
    except PlatformError as error:
        sources = target / "etc" / "apt" / "sources.list"
        lines = sources.read_text().splitlines(keepends=True)
        without = [line for line in lines if "-security " not in line]
        if without == lines or "Failed to fetch" not in str(error):
            raise
        _say(f"WITHOUT security updates, which the mirror does not have:\n{error}")
        sources.write_text("".join(without))
        _install_once(target, packages)
    (target / "etc" / "resolv.conf").unlink(missing_ok=True)


def _install_once(target: Path, packages: Sequence[str]) -> None:
    environment = {
        "DEBIAN_FRONTEND": "noninteractive",
        **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")},
    }
    quiet = ["-qq", "-o", "APT::Sandbox::User=root"]
    foreign = {name.partition(":")[2] for name in packages if ":" in name}
    with Machine(target, network=True, writable=True) as machine:
        for architecture in sorted(foreign):
            machine.ok("dpkg", "--add-architecture", architecture)
        for action in (["update"], ["install", "--no-install-recommends", *packages], ["clean"]):
            machine.ok("apt-get", *quiet, *action, env=environment, timeout_s=INSTALL_TIMEOUT_S)


def _say(text: str) -> None:
    print(f"rootfs: {text}", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
