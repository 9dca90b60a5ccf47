"""The pinned Claude Code that tests and demo run against.

    python build/claude_client.py fetch    npm-install it into .cache/claude, print its program
    python build/claude_client.py path     print its program, which must be there
    ... --platform win32-x64               the same for another system

claude-client/package-lock.json pins the version and the hash of every platform's package. The
lock names no server: packages come from the registry that npm is set up for.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "build" / "claude-client"
CACHE = ROOT / ".cache"
INSTALLED = CACHE / "claude"
_FILES = ("package.json", "package-lock.json")
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


class ClientUnavailable(Exception):
    """The pinned Claude Code cannot be had; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(
        description="The pinned Claude Code that tests and demo run against."
    )
    parser.add_argument("action", choices=["fetch", "path"])
    parser.add_argument("--platform", metavar="NAME", help="default: this machine's")
    options = parser.parse_args(arguments)
    try:
        name = options.platform or platform_name()
        if options.action == "fetch" and not is_current(name):
            fetch(name)
        print(program(name))
    except ClientUnavailable as error:
        print(f"claude_client: {error}", file=sys.stderr)
        return 1
    return 0


def program(name: str, installed: Path | None = None) -> Path:
    """Find the native program for a platform in an installation, ours unless given.

    Raises: ClientUnavailable.
    """
    packages = (installed or installation(name)) / "node_modules" / "@anthropic-ai"
    suffix = ".exe" if name.startswith("win32-") else ""
    path = packages / f"claude-code-{name}" / f"claude{suffix}"
    if not path.is_file():
        raise ClientUnavailable(f"{path} is not there. Run: make claude")
    return path


def installation(name: str) -> Path:
    """Where the client for a platform is installed."""
    return INSTALLED if name == platform_name() else INSTALLED.with_name(f"claude-{name}")


def platform_name() -> str:
    """Name this machine as the client's packages do, such as `linux-x64` or `linux-arm64-musl`.

    Raises: ClientUnavailable for a machine that has none.
    """
    system, machine = _SYSTEMS.get(sys.platform), _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise ClientUnavailable(
            f"Claude Code has no build for {sys.platform} on {platform.machine()}"
        )
    musl = system == "linux" and platform.libc_ver()[0] != "glibc"
    return f"{system}-{machine}" + ("-musl" if musl else "")


def is_current(name: str) -> bool:
    """Whether the pinned version is installed for a platform."""
    try:
        installed = installation(name)
        same = all(
            (installed / file).read_bytes() == (PINNED / file).read_bytes() for file in _FILES
        )
        return same and program(name).is_file()
    except (OSError, ClientUnavailable):
        return False


def fetch(name: str) -> None:
    """Install the pinned version; an earlier one is replaced only once the new one is complete.

    Raises: ClientUnavailable.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ClientUnavailable("npm is missing. Install Node.js (Debian: apt-get install npm)")
    draft = CACHE / f"claude-{os.getpid()}.tmp"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        for file in _FILES:
            shutil.copy(PINNED / file, draft / file)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        if name != platform_name():
            system, machine = name.split("-")[:2]
            command += ["--os", system, "--cpu", machine]
        done = subprocess.run(
            command, cwd=draft, env=_npm_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise ClientUnavailable(
                f"npm ci ended with exit status {done.returncode}:\n{done.stderr}"
            )
        program(name, draft)
        shutil.rmtree(installation(name), ignore_errors=True)
        draft.rename(installation(name))
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _npm_environment() -> dict[str, str]:
    """The environment for npm: its cache goes to ours where the home folder cannot hold it."""
    environment = dict(os.environ)
    home = environment.get("HOME") or environment.get("USERPROFILE")
    if home is None or not os.access(home, os.W_OK):
        environment["npm_config_cache"] = str(CACHE / "npm")
    return environment


if __name__ == "__main__":
    raise SystemExit(main())
