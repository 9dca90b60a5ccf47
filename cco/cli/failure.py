"""How cco ends over an error that no command expected: one message, and never a traceback unasked.

Only imported when something failed.
"""

from __future__ import annotations

import errno
import os
import sys

from cco.cli.output import print_error, tell
from cco.errors import Defect, OutputFailed
from cco.unexpected import told_as

_BROKEN_PIPE = 141
_OFF = frozenset(("", "0", "false", "no", "off"))


def report(error: Exception) -> int:
    """Say what happened, and with CCO_DEBUG where; return the exit code."""
    if _is_broken_pipe(error):
        _let_go_of_output()
        return _BROKEN_PIPE
    told = told_as(error)
    if isinstance(told, OutputFailed):
        _let_go_of_output()
    if isinstance(told, Defect):  # whatever its message is made of
        told = Defect(_without_secrets(str(told)))
    print_error(told)
    if os.environ.get("CCO_DEBUG", "").lower() not in _OFF:
        print_traceback(error)
    return told.exit_code


def print_traceback(error: BaseException) -> None:
    """Show where an error comes from, without the secrets that may be in its message."""
    import traceback

    lines = "".join(traceback.format_exception(error)).rstrip("\n")
    for line in _without_secrets(lines).split("\n"):
        tell(line)


def _without_secrets(text: str) -> str:
    from cco.redaction import redacted

    return redacted(text, os.environ)


def _is_broken_pipe(error: Exception) -> bool:
    """Whether the reader of our output went away, as in `cco daemon logs | head`.

    Windows calls it an invalid argument; what names a file is another one.
    """
    if isinstance(error, OSError) and sys.platform == "win32" and error.filename is None:
        return error.errno in (errno.EINVAL, errno.EPIPE)
    return isinstance(error, BrokenPipeError)


def _let_go_of_output() -> None:
    """Send what is still buffered nowhere, so that the exit does not fail over it again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
