"""Where a command line goes. The hot paths go there without importing click or tornado."""

from __future__ import annotations

import errno
import os
import sys

from cco.cli import COMMANDS
from cco.errors import exhaustion

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing: this is on a hot path
    from collections.abc import Sequence

_FAILED = 125
_HELP = frozenset(("--help", "-h"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    _keep_copy_lock()
    _use_utf8()
    try:
        code = _dispatch(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if _is_broken_pipe(error):
            _let_go_of_output()
            return 141
        if os.environ.get("CCO_DEBUG"):
            raise
        if (exhausted := exhaustion(error)) is not None:
            print(f"cco: error: {exhausted}\n  {exhausted.advice}", file=sys.stderr)
            return exhausted.exit_code
        kind = type(error).__name__
        print(
            f"cco: error: unexpected {kind}: {str(error)!r}\n"
            "  This is a defect of cco. CCO_DEBUG=1 shows where; please report it.",
            file=sys.stderr,
        )
        return _FAILED


def _keep_copy_lock() -> None:
    """Hold the launcher's lock on our unpacked copy as long as we live, and hand it to nobody."""
    number = os.environ.pop("CCO_COPY_LOCK", "")
    if getattr(sys, "frozen", False) and number.isdecimal():
        try:
            os.set_inheritable(int(number), False)
        except (OSError, OverflowError):
            return  # not from our launcher: we run without one


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


def _dispatch(argv: list[str]) -> int:
    first = argv[0] if argv else None
    if first in ("version", "--version"):
        from cco.cli import version

        return version.run(argv[1:])
    if first == "hook":
        from cco.cli import hook

        return hook.run(argv[1:])
    if first == "statusline":
        from cco.cli import statusline

        return statusline.run(argv[1:])
    if first == "daemon" and _is_spawned_daemon(argv):
        from cco.daemon import spawned

        return spawned.main(argv[-1])
    if first in COMMANDS or first in _HELP or "_CCO_COMPLETE" in os.environ:
        from cco.cli import app

        return app.run(argv)
    from cco.cli import launch

    if first == "--":
        return launch.run(argv[1:], own_options=False)
    return launch.run(argv)


def _is_spawned_daemon(argv: Sequence[str]) -> bool:
    from cco.daemon import spawned

    return spawned.is_spawned(argv)


def _use_utf8() -> None:
    """Print UTF-8 whatever the locale or the Windows code page, and never fail over a character."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
