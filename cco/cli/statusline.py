"""cco statusline: the line under Claude Code's prompt, or a part of the user's own line there."""

from __future__ import annotations

import os
import sys

from cco.cli.hook import (
    CUT_OFF,
    deliver,
    failed,
    is_ours,
    launch_headers,
    read_input,
    write_output,
)
from cco.errors import CcoError, DaemonUnresponsive

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing: this is on a hot path
    from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Print the line; never fail loudly, since it is drawn again every few seconds."""
    launch = launch_headers(arguments)
    if launch is None:
        return failed("usage: cco statusline (called by Claude Code)", 2)
    if os.environ.get("ORCHESTRATOR_ENABLED") != "true":
        return 0
    if sys.stdin is not None and sys.stdin.isatty():  # a person, who has no event to give
        return 0
    payload = read_input()
    try:
        response, port = deliver("StatusLine", payload, launch)
    except DaemonUnresponsive:
        print("cco · the daemon does not answer")
        return 0
    except CcoError:
        print("cco · daemon not running")
        return 0
    if response.status == 200:
        write_output((response.body if is_ours(port) else f"cco · {CUT_OFF}".encode()) + b"\n")
    return 0
