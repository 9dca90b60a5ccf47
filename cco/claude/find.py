"""Find the Claude Code program."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from cco.errors import ClaudeNotExecutable, ClaudeNotFound

_WINDOWS = sys.platform == "win32"
_NAMES = ("claude.exe", "claude.cmd") if _WINDOWS else ("claude",)
_NATIVE_BEHIND_SHIM = (
    "node_modules/@anthropic-ai/claude-code/bin/claude.exe",
    "node_modules/@anthropic-ai/claude-code/node_modules/@anthropic-ai/claude-code-win32-x64/claude.exe",
    "node_modules/@anthropic-ai/claude-code-win32-x64/claude.exe",
)


def find_claude(named: str | None, environ: Mapping[str, str]) -> Path:
    """Find the program: the one named by the user, else on PATH, else where installers put it.

    Raises: ClaudeNotFound, ClaudeNotExecutable.
    """
    if named is not None and (os.sep in named or "/" in named):
        path = Path(os.path.expanduser(named))
        if _WINDOWS:
            path = next((one for one in map(Path, _spelled_out(str(path))) if one.is_file()), path)
        return _checked(path, f"CCO_CLAUDE names {named!r}, which")
    names: tuple[str, ...] = (named,) if named is not None else _NAMES
    if _WINDOWS and named is not None:
        names = _spelled_out(named)
    not_executable: Path | None = None
    for folder in _folders(environ):
        for name in names:
            path = folder / name
            if not os.path.isfile(path) or _is_this_program(path):
                continue
            native = _behind_shim(path)
            if native is not None and os.access(native, os.X_OK):
                return native
            not_executable = not_executable or path
    if not_executable is not None:
        raise ClaudeNotExecutable(f"{not_executable} is not executable")
    raise ClaudeNotFound(
        f"CCO_CLAUDE names {named!r}, which is not on PATH"
        if named is not None
        else "Claude Code is not installed: no `claude` on PATH or where its installers put it"
    )


def _spelled_out(named: str) -> tuple[str, ...]:
    """Windows: the files that a name without an ending means; npm's own `claude` is for sh."""
    if Path(named).suffix.lower() in (".exe", ".com", ".cmd", ".bat"):
        return (named,)
    return (f"{named}.exe", f"{named}.cmd")


def _checked(path: Path, subject: str) -> Path:
    if not os.path.exists(path):
        raise ClaudeNotFound(f"{subject} does not exist")
    if not os.path.isfile(path) or not os.access(path, os.X_OK):
        raise ClaudeNotExecutable(f"{subject} is not an executable file")
    native = _behind_shim(path.absolute())
    if native is None:
        raise ClaudeNotExecutable(f"{subject} is a .cmd shim with no claude.exe behind it")
    return native


def _folders(environ: Mapping[str, str]) -> Iterator[Path]:
    for entry in environ.get("PATH", "").split(os.pathsep):
        if _WINDOWS:
            entry = entry.strip('"')  # noqa: PLW2901
        if os.path.isabs(entry):
            yield Path(entry)
    home = Path(os.path.expanduser("~"))
    if not home.is_absolute():  # an account without a home
        return
    if _WINDOWS:
        yield home / ".local" / "bin"
        if environ.get("APPDATA"):
            yield Path(environ["APPDATA"]) / "npm"
        return
    for tail in (
        ".local/bin",
        ".claude/local",
        ".claude/local/node_modules/.bin",
        ".npm-global/bin",
        ".bun/bin",
        ".volta/bin",
    ):
        yield home / tail
    for folder in ("/usr/local/bin", "/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin"):
        yield Path(folder)


def _behind_shim(path: Path) -> Path | None:
    """The native program that a Windows `.cmd` shim starts; any other path as it is."""
    if path.suffix.lower() not in (".cmd", ".bat"):
        return path
    for tail in _NATIVE_BEHIND_SHIM:
        native = path.parent / tail
        if native.is_file():
            return native
    return None


def _is_this_program(path: Path) -> bool:
    own = os.environ.get("CCO_EXECUTABLE") or sys.executable
    frozen = bool(getattr(sys, "frozen", False))
    return frozen and os.path.exists(own) and os.path.samefile(path, own)
