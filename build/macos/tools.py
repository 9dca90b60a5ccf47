"""Run Apple's tools, and end with their last words; what the command lines here have in common."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from release.errors import ReleaseError
from release.errors import run as command_line
from release.tools import run_tool

TIMEOUT_S = 3600


def run(tool: str, *arguments: str, stdin: str = "") -> str:
    """Run a tool and return what it printed.

    Raises: ReleaseError, which does not repeat stdin.
    """
    where_from = "This runs on macOS: xcode-select --install"
    done = run_tool(tool, *arguments, stdin=stdin, timeout_s=TIMEOUT_S, where_from=where_from)
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise ReleaseError(f"{tool} {arguments[0]} exits {done.returncode}: {words}")
    return done.stdout


def with_identity(
    tool: str, work: Callable[[Path, str], None], arguments: Sequence[str] | None, *, about: str
) -> int:
    """Run a command line that takes a single file and the identity of a certificate.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--identity", required=True, help="of a certificate; sign.py takes - too")
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    return command_line(tool, lambda: work(options.file, options.identity))
