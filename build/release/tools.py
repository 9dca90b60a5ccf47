"""Run other people's tools to their end, or say what stands in the way."""

from __future__ import annotations

import shutil
import subprocess

from release.errors import ReleaseError


def run_tool(
    tool: str, *arguments: str, stdin: str, timeout_s: float, where_from: str
) -> subprocess.CompletedProcess[str]:
    """Run a tool on PATH, however it ends.

    Shapes: where_from, the advice where the tool is missing.
    Raises: ReleaseError if it is missing or takes too long, which does not repeat stdin.
    """
    program = shutil.which(tool)
    if program is None:
        raise ReleaseError(f"{tool} is missing", where_from)
    try:
        return subprocess.run(
            [program, *arguments],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        named = " ".join([tool, *arguments[:2]])
        raise ReleaseError(f"{named} takes longer than {timeout_s:.0f} s") from None
