"""Windows: a command line for the shell that Claude Code runs its status line with.

That is Git for Windows' bash where there is one, else PowerShell. Source: the client 2.1.330.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_SAME_IN_BOTH = re.compile(r"[A-Za-z0-9_./:-]+")
_POWERSHELL_QUOTES = re.compile("['\u2018\u2019\u201a\u201b]")
_SHELLS = frozenset(("bash.exe", "sh.exe", "bash", "sh"))
_USUAL = (r"C:\Program Files\Git\bin\bash.exe", r"C:\Program Files (x86)\Git\bin\bash.exe")


def command_line(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """Quote an argument vector, whose first is a program's path."""
    words = [argument.replace("\\", "/") for argument in arguments]
    if all(_SAME_IN_BOTH.fullmatch(word) for word in words):
        return " ".join(words)
    if any(os.path.isfile(path) for path in _git_bashes(environ)):
        return shlex.join(words)
    quoted = (_POWERSHELL_QUOTES.sub(lambda found: found[0] * 2, word) for word in words)
    return "& " + " ".join(f"'{word}'" for word in quoted)


def _git_bashes(environ: Mapping[str, str]) -> Iterator[str | Path]:
    """Where the client looks for bash."""
    named = environ.get("CLAUDE_CODE_GIT_BASH_PATH", "")
    if re.split(r"[\\/]", named)[-1].lower() in _SHELLS:
        yield named
    yield from _USUAL
    git = shutil.which("git", path=environ.get("PATH", ""))
    if git is not None:
        yield Path(git).parent.parent / "bin" / "bash.exe"
