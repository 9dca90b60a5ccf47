"""The pinned Claude Code that tests and demo run against, and others that cco is tried with.

    python build/claude_client.py fetch    npm-install it into .cache/claude, print its program
    python build/claude_client.py path     print its program, which must be there
    ... --platform win32-x64               the same for another system
    ... --client 2.1.200                   the same for an older one, into .cache/claude-others
    ... --client newest                    the same for the newest that the registry has

claude-client/package-lock.json pins the version and the hash of every platform's package, and
claude-clients/*/package-lock.json those of older ones. Nothing pins the newest: it is fetched anew
each time, and only `make test-clients` runs it.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from npm_parts import CACHE, NpmUnavailable, install, install_newest, is_installed

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "build" / "claude-client"
OLDER = ROOT / "build" / "claude-clients"
INSTALLED = CACHE / "claude"
NEWEST = "newest"
PACKAGE = "@anthropic-ai/claude-code"
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


class ClientUnavailable(NpmUnavailable):
    """The pinned Claude Code cannot be had; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(
        description="The pinned Claude Code that tests and demo run against, and others."
    )
    parser.add_argument("action", choices=["fetch", "path"])
    parser.add_argument("--platform", metavar="NAME", help="default: this machine's")
    parser.add_argument("--client", choices=[*older(), NEWEST], help="default: the pinned one")
    options = parser.parse_args(arguments)
    try:
        name = options.platform or platform_name()
        if options.action == "fetch" and not is_current(name, options.client):
            fetch(name, options.client)
        print(program(name, installation(name, options.client)))
    except NpmUnavailable as error:
        print(f"claude_client: {error}", file=sys.stderr)
        return 1
    return 0


def older() -> list[str]:
    """The older versions that are locked, the oldest first."""
    folders = (path.name for path in OLDER.iterdir() if (path / "package.json").is_file())
    return sorted(folders, key=lambda name: [int(part) for part in name.split(".")])


def program(name: str, installed: Path | None = None) -> Path:
    """Find the program for a platform in an installation, ours unless given.

    Up to 2.1.112 that is a script for Node.js, the same for all platforms.
    Raises: ClientUnavailable.
    """
    packages = (installed or installation(name)) / "node_modules" / "@anthropic-ai"
    suffix = ".exe" if name.startswith("win32-") else ""
    path = packages / f"claude-code-{name}" / f"claude{suffix}"
    script = packages / "claude-code" / "cli.js"
    if not path.is_file() and not script.is_file():
        raise ClientUnavailable(f"{path} is not there. Run: make claude")
    return path if path.is_file() else script


def installation(name: str, client: str | None = None) -> Path:
    """Where a client, the pinned one unless named, is installed for a platform."""
    whole = INSTALLED if client is None else INSTALLED.with_name("claude-others") / client
    return whole if name == platform_name() else whole.with_name(f"{whole.name}-{name}")


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


def is_current(name: str, client: str | None = None) -> bool:
    """Whether a client is installed for a platform as it is locked; the newest never is."""
    installed = installation(name, client)
    try:
        return is_installed(_lock(client), installed) and program(name, installed).is_file()
    except ClientUnavailable:
        return False


def fetch(name: str, client: str | None = None) -> None:
    """Install a client for a platform.

    Raises: NpmUnavailable.
    """
    options: list[str] = []
    if name != platform_name():
        system, machine = name.split("-")[:2]
        options = ["--os", system, "--cpu", machine]
    installed = installation(name, client)
    if client == NEWEST:
        install_newest(PACKAGE, installed, lambda draft: program(name, draft), options)
    else:
        install(_lock(client), installed, lambda draft: program(name, draft), options)


def _lock(client: str | None) -> Path:
    return PINNED if client is None else OLDER / client


if __name__ == "__main__":
    raise SystemExit(main())
