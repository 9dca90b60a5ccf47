"""The daemon as a background process: cut off from whoever started it, but for one report.

`cco daemon run --spawned PORT|auto` is what the command line starts. Its standard output is a
pipe that takes one line of JSON when it serves or fails, and is closed then.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from cco.config import load_config
from cco.errors import CcoError

ARGUMENTS = ("daemon", "run", "--spawned")
AUTOMATIC = "auto"


def main(port: str) -> int:
    """Detach, serve, and report once."""
    if sys.platform != "win32" and os.fork():
        os._exit(0)  # the starter becomes another program: it must not be our parent
    os.chdir(os.path.abspath(os.sep))
    gc.disable()  # until it serves: what is imported stays
    try:
        from cco.daemon import server

        explicit = None if port == AUTOMATIC else int(port)
        server.run(load_config(), explicit, _report_start)
    except CcoError as error:
        return _report_error(error)
    except Exception as error:
        from cco.daemon.log import LOG
        from cco.unexpected import told_as

        LOG.exception("ended")
        return _report_error(told_as(error))
    return 0


def _report_start(started: Any) -> None:
    gc.freeze()
    gc.enable()
    _report(
        {
            "port": started.port,
            "pid": started.pid,
            "kept_port": started.kept_port,
            "refused": started.refused,
        }
    )


def _report_error(error: CcoError) -> int:
    _report({"error": type(error).__name__, "message": str(error), "advice": error.advice})
    return error.exit_code


def _report(document: dict[str, Any]) -> None:
    """Write the report, then let go of the starter's streams."""
    data = json.dumps(document).encode() + b"\n"
    try:
        os.write(1, data)
    except OSError:
        return  # the starter is gone; nobody waits for the report
    finally:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.close(null)


def is_spawned(arguments: Sequence[str]) -> bool:
    """Whether a command line is that of a spawned daemon."""
    return len(arguments) == len(ARGUMENTS) + 1 and tuple(arguments[:-1]) == ARGUMENTS
