"""The files in which Claude Code finds settings of the user's and of a project, read as it does.

A file that it reads and we do not could send the token elsewhere, or turn cco off, unseen.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cco.files import read_at_once

MAX_BYTES = 4 * 1024 * 1024
_GLOBAL_BYTES = 64 * 1024 * 1024
"""Claude Code keeps more in its global file than settings."""
_TELLING = (
    b"OTEL_",
    b"CLAUDE_CODE_ENABLE_TELEMETRY",
    b"_PROXY",
    b"_proxy",
    b"ORCHESTRATOR_",
    b"CCO_",
)
"""What is in the global file if its variables matter here: it may be large, and a launch is not to
wait for all of it to be understood."""
_MARK_BYTES = 4_096
_PLAIN_DIGITS = 4_300
"""Of an integer; Python reads none of more."""


def load(path: Path, limit_bytes: int = MAX_BYTES) -> dict[str, Any] | None:
    """The settings in a file; None for what is no settings for Claude Code either.

    Raises: RecursionError, where they are nested so deeply that only Claude Code can read them.
    """
    try:
        document = parsed(_text(read_at_once(path, limit_bytes)))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def own_paths(folder: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """The user's settings, then those of the project that a folder is in."""
    yield configuration_folder(environ) / "settings.json"
    for parent in (folder, *folder.parents):
        yield from _below(parent)
        mark = parent / ".git"
        if os.path.isfile(mark) and (repository := _main_repository(mark)) is not None:
            yield from _below(repository)  # of a work tree Claude Code takes the repository's too
        if os.path.exists(mark):
            return


def configuration_folder(environ: Mapping[str, str]) -> Path:
    """Where Claude Code keeps what is this user's."""
    named = environ.get("CLAUDE_CONFIG_DIR")
    return Path(named) if named else Path(os.path.expanduser("~")) / ".claude"


def global_variables(environ: Mapping[str, str]) -> tuple[Path, dict[str, Any]] | None:
    """The environment that Claude Code's global file sets, and that file's path; None where it
    sets nothing that matters here."""
    folder = configuration_folder(environ)
    beside = folder if environ.get("CLAUDE_CONFIG_DIR") else folder.parent
    for path in (folder / ".config.json", beside / ".claude.json"):
        try:
            data = read_at_once(path, _GLOBAL_BYTES)
            document = parsed(_text(data)) if any(one in data for one in _TELLING) else None
        except (OSError, ValueError, RecursionError):
            continue
        variables = document.get("env") if isinstance(document, dict) else None
        if isinstance(variables, dict) and variables:
            return path, variables
    return None


def parsed(text: str) -> Any:
    """JSON as Claude Code takes it, and as it can be written for it again: without NaN, and with
    the largest number there is in the place of larger ones.

    Raises: ValueError, RecursionError.
    """

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    def number(digits: str) -> float:
        return max(min(float(digits), sys.float_info.max), -sys.float_info.max)

    def integer(digits: str) -> int | float:
        return int(digits) if len(digits) <= _PLAIN_DIGITS else number(digits)

    return json.loads(text, parse_constant=refuse, parse_float=number, parse_int=integer)


def _text(data: bytes) -> str:
    """Claude Code takes UTF-16 by its mark, in the one order, and all else for UTF-8."""
    if data.startswith(b"\xff\xfe"):
        return data[2:].decode("utf-16-le", "replace")
    return data.decode("utf-8-sig", "replace")


def _below(folder: Path) -> Iterator[Path]:
    yield folder / ".claude" / "settings.json"
    yield folder / ".claude" / "settings.local.json"


def _main_repository(mark: Path) -> Path | None:
    """The repository of a work tree, as the `.git` file in it says, true or not."""
    try:
        named = _line(mark).removeprefix("gitdir:").strip()
        there = mark.parent / named
        return Path(os.path.realpath(there / _line(there / "commondir"))).parent
    except (OSError, ValueError):
        return None


def _line(path: Path) -> str:
    return read_at_once(path, _MARK_BYTES).decode().strip()
