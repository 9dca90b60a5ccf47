"""Where a command line goes. The hot paths go there without importing click or tornado."""

from __future__ import annotations

import os
import sys

from cco.cli import COMMANDS

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing: this is on a hot path
    from collections.abc import Sequence

_FAILED = 125
_DEFECT = 70
_INTERRUPTED = 130
_BROKEN_PIPE = 141
_HELP = frozenset(("--help", "-h"))
_QUICK = frozenset(("version", "--version", "hook", "statusline"))
_DEBUG = "--debug"
_LAST_WORDS = b"cco: error: it failed, and then failed to say why: its files may be damaged,\n\
  or there is no memory left. Run cco doctor, or install cco again.\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _keep_copy_lock()
        _have_streams()
        if argv and argv[0] == _DEBUG:
            os.environ["CCO_DEBUG"] = "1"
            if _is_ours(argv[1:]):  # otherwise it is an option of Claude Code's, too
                del argv[0]
        code = _dispatch(argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        return _failed(error, is_launch=not _is_ours(argv))


def _failed(error: Exception, *, is_launch: bool) -> int:
    if _is_interrupt(error):
        return _INTERRUPTED
    try:
        from cco.cli import failure

        code = failure.report(error)
    except Exception:
        code = _DEFECT
        try:  # noqa: SIM105  # one import less where imports fail
            os.write(2, _LAST_WORDS)
        except OSError:
            pass  # nobody is there to be told
    return _FAILED if is_launch and code != _BROKEN_PIPE else code


def _is_interrupt(error: BaseException) -> bool:
    """Whether an interrupt was wrapped, as Python does where one comes while a class is made."""
    cause = error.__cause__ or error.__context__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _is_interrupt(cause))


def _is_ours(argv: Sequence[str]) -> bool:
    """Whether a command line is that of a command of ours, and not of a launch."""
    first = argv[0] if argv else None
    return first in COMMANDS or first in _HELP or first in _QUICK or "_CCO_COMPLETE" in os.environ


def _keep_copy_lock() -> None:
    """Hold the launcher's lock on our unpacked copy as long as we live, and hand it to nobody."""
    number = os.environ.pop("CCO_COPY_LOCK", "")
    if getattr(sys, "frozen", False) and number.isdecimal():
        try:
            os.set_inheritable(int(number), False)
        except (OSError, OverflowError):
            return  # not from our launcher: we run without one


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
    if _is_ours(argv):
        from cco.cli import app

        return app.run(argv)
    from cco.cli import launch

    if first == "--":
        return launch.run(argv[1:], own_options=False)
    return launch.run(argv)


def _is_spawned_daemon(argv: Sequence[str]) -> bool:
    from cco.daemon import spawned

    return spawned.is_spawned(argv)


def _have_streams() -> None:
    """Print UTF-8 whatever the locale or the Windows code page, and never fail over a character.

    Streams that the caller closed lead nowhere, so that no file of ours takes their place; what is
    exec'd finds them closed as they were.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
