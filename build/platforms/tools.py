"""Programs of the machine that this needs, installed by apt-get where it can be."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from platforms.errors import PlatformError

BINFMT = Path("/proc/sys/fs/binfmt_misc")
EMULATED = {"amd64": "qemu-x86_64", "arm64": "qemu-aarch64"}
_PACKAGES = {
    "debootstrap": ("debootstrap", "debian-archive-keyring"),
    "ip": ("iproute2",),
    "x86_64-w64-mingw32-gcc": ("gcc-mingw-w64-x86-64",),
    "nsenter": ("util-linux",),
    "unshare": ("util-linux",),
}


def run(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, log: Path | None = None
) -> str:
    """Run a program and return what it printed on stdout.

    Raises: PlatformError with its last words; all of them are in `log` if one is given.
    """
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, errors="replace", check=False
    )
    if log is not None:
        log.write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        last_words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise PlatformError(
            f"exit status {done.returncode} from {shlex.join(command)}\n{last_words}"
        )
    return done.stdout


def demand_root() -> None:
    """Raises: PlatformError for everybody else: mounts, chroot and apt-get are root's."""
    if os.geteuid() != 0:
        raise PlatformError("this makes root file systems and mounts; run it as root")


def demand(*programs: str) -> None:
    """Make sure of programs, installing what is missing.

    Raises: PlatformError.
    """
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        install(*(package for name in missing for package in _PACKAGES[name]))


def install(*packages: str) -> None:
    """Install Debian packages on this machine.

    Raises: PlatformError.
    """
    if shutil.which("apt-get") is None:
        raise PlatformError(f"there is no apt-get here; install {' '.join(packages)} by hand")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "-qq", "update"], env=environment)
    run(["apt-get", "-qq", "install", "--no-install-recommends", *packages], env=environment)


def machine_architecture() -> str:
    """Name this machine's architecture as Debian does: `amd64`, `arm64`."""
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    machine = os.uname().machine
    if machine not in names:
        raise PlatformError(f"nothing is known about machines of the kind {machine}")
    return names[machine]


def demand_emulation(architecture: str) -> None:
    """Make sure that programs of another architecture run here, through qemu and binfmt_misc.

    Raises: PlatformError.
    """
    if architecture == machine_architecture():
        return
    handler = BINFMT / EMULATED[architecture]
    if not (BINFMT / "register").exists():
        run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)])
    if handler.exists():
        return
    if shutil.which("qemu-aarch64-static") is None or shutil.which("update-binfmts") is None:
        install("qemu-user-static", "binfmt-support")
    if not handler.exists():  # installed, but the machine has started anew since
        run(["update-binfmts", "--enable"])
    if not handler.exists():
        raise PlatformError(f"binfmt_misc has no {handler.name}, even after installing qemu")
