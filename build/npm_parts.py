"""Pinned npm packages, installed from a lock file into .cache.

A lock pins versions and hashes and names no server: packages come from the registry that npm is set
up for. Nothing of theirs runs while they are installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache"
_FILES = ("package.json", "package-lock.json")


class NpmUnavailable(Exception):
    """The pinned packages cannot be had; the message says what to do."""


def is_installed(pinned: Path, installed: Path) -> bool:
    """Whether what a folder's lock pins was installed whole."""
    try:
        return all(
            (installed / name).read_bytes() == (pinned / name).read_bytes() for name in _FILES
        )
    except OSError:
        return False


def install(
    pinned: Path,
    installed: Path,
    verify: Callable[[Path], object] = lambda draft: None,
    options: Sequence[str] = (),
) -> None:
    """Install what a folder's lock pins; an earlier installation is replaced only once the new one
    is complete and `verify` has looked at it.

    Raises: NpmUnavailable.
    """
    files = [pinned / name for name in _FILES]
    _install("ci", installed, verify, options, files)


def install_newest(
    package: str,
    installed: Path,
    verify: Callable[[Path], object] = lambda draft: None,
    options: Sequence[str] = (),
) -> None:
    """Install the newest version of a package, which nothing pins, in the same manner.

    Raises: NpmUnavailable.
    """
    _install("install", installed, verify, [f"{package}@latest", *options], [])


def _install(
    action: str,
    installed: Path,
    verify: Callable[[Path], object],
    options: Sequence[str],
    files: Sequence[Path],
) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NpmUnavailable("npm is missing. Install Node.js (Debian: apt-get install npm)")
    draft = installed.with_name(f"{installed.name}-{os.getpid()}.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        for file in files:
            shutil.copy(file, draft / file.name)
        command = [npm, action, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        command += options
        done = subprocess.run(
            command, cwd=draft, env=_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise NpmUnavailable(
                f"npm {action} ended with exit status {done.returncode}:\n{done.stderr}"
            )
        verify(draft)
        shutil.rmtree(installed, ignore_errors=True)
        draft.rename(installed)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _environment() -> dict[str, str]:
    """The environment for npm: its cache goes to ours where the home folder cannot hold it."""
    environment = dict(os.environ)
    home = environment.get("HOME") or environment.get("USERPROFILE")
    if home is None or not os.access(home, os.W_OK):
        environment["npm_config_cache"] = str(CACHE / "npm")
    return environment
