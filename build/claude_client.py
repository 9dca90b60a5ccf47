"""The pinned Claude Code that tests and demo run against.

    python build/claude_client.py fetch    npm-install it into .cache/claude, print its program
    python build/claude_client.py path     print its program, which must be there

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
    options = parser.parse_args(arguments)
    try:
        if options.action == "fetch" and not is_current():
            install(PINNED, INSTALLED, verify=program)
        print(program())
    except NpmUnavailable as error:
        print(f"claude_client: {error}", file=sys.stderr)
        return 1
    return 0


def program(installed: Path | None = None) -> Path:
    """Find the native program in an installation, ours unless given.

    Raises: ClientUnavailable.
    """
    name = "claude.exe" if sys.platform == "win32" else "claude"
    packages = (installed or INSTALLED) / "node_modules" / "@anthropic-ai"
    path = packages / f"claude-code-{platform_name()}" / name
    if not path.is_file():
        raise ClientUnavailable(f"{path} is not there. Run: make claude")
    return path


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


def is_current() -> bool:
    """Whether the pinned version is installed."""
    try:
        return is_installed(PINNED, INSTALLED) and program().is_file()
    except ClientUnavailable:
        return False


if __name__ == "__main__":
    raise SystemExit(main())
