"""Run Apple's tools, and end with their last words."""

from __future__ import annotations

import shutil
import subprocess

from release.errors import ReleaseError

TIMEOUT_S = 3600


def run(tool: str, *arguments: str, stdin: str = "") -> str:
    """Run a tool and return what it printed.

    Raises: ReleaseError, which does not repeat stdin.
    """
    program = shutil.which(tool)
    if program is None:
        raise ReleaseError(f"{tool} is missing", "This runs on macOS: xcode-select --install")
    try:
        done = subprocess.run(
            [program, *arguments],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"{tool} {arguments[0]} takes longer than {TIMEOUT_S} s") from None
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise ReleaseError(f"{tool} {arguments[0]} exits {done.returncode}: {words}")
    return done.stdout
