"""Become Claude Code (POSIX), or run it so faithfully that nobody can tell (Windows)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from cco.errors import ClaudeNotExecutable


def start(program: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Replace this process by the program; on Windows wait for it and return its exit code.

    Raises: ClaudeNotExecutable.
    """
    argv = [str(program), *arguments]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    try:
        if sys.platform == "win32":
            from cco.claude.windows_job import run_in_job

            return run_in_job(argv, environ)
        _restore_signals()
        os.execve(program, argv, dict(environ))  # noqa: S606  # that is what we are for
    except OSError as error:
        raise ClaudeNotExecutable(f"{program} cannot be run: {error.strerror}") from None


def _restore_signals() -> None:
    """Python ignores SIGPIPE and SIGXFSZ; a program that it becomes must not inherit that."""
    for name in ("SIGPIPE", "SIGXFSZ"):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, signal.SIG_DFL)
