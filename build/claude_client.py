"""The pinned Claude Code that tests and demo run against.

    python build/claude_client.py fetch    npm-install it into .cache/claude, print its program
    python build/claude_client.py path     print its program, which must be there
    ... --platform win32-x64               the same for another system

claude-client/package-lock.json pins the version and the hash of every platform's package.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from npm_parts import CACHE, NpmUnavailable, install, is_installed

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "build" / "claude-client"
INSTALLED = CACHE / "claude"
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


class ClientUnavailable(NpmUnavailable):
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
    except NpmUnavailable as error:
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
        return is_installed(PINNED, installation(name)) and program(name).is_file()
    except ClientUnavailable:
        return False


def fetch(name: str) -> None:
    """Install the pinned version for a platform.

    Raises: NpmUnavailable.
    """
    options: list[str] = []
    if name != platform_name():
        system, machine = name.split("-")[:2]
        options = ["--os", system, "--cpu", machine]
    install(PINNED, installation(name), lambda draft: program(name, draft), options)


if __name__ == "__main__":
    raise SystemExit(main())
