"""cco statusline: the line under Claude Code's prompt."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cco.cli.hook import MAX_INPUT_BYTES, deliver
from cco.errors import CcoError


def run(arguments: Sequence[str]) -> int:
    """Print the line; never fail loudly, since it is drawn again every few seconds."""
    if arguments:
        print("cco: error: usage: cco statusline (called by Claude Code)", file=sys.stderr)
        return 2
    if os.environ.get("ORCHESTRATOR_ENABLED") != "true":
        return 0
    payload = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    try:
        response = deliver("StatusLine", payload)
    except CcoError:
        print("cco · daemon not running")
        return 0
    if response.status == 200:
        sys.stdout.buffer.write(response.body + b"\n")
        sys.stdout.buffer.flush()
    return 0
