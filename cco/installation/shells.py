"""Whether a folder is on PATH, and the line in a shell's start-up file that puts it there."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cco.installation.steps import CREATED, REMOVED, REPLACED, UNCHANGED, PutFile

_BEGIN = "# >>> cco install >>>"
_END = "# <<< cco install <<<"
_BLOCK = re.compile(
    rb"(?:^|(?<=\n))" + re.escape(_BEGIN.encode()) + rb"\n.*?" + re.escape(_END.encode()) + rb"\n?",
    re.DOTALL,
)
_PLAIN = re.compile(r"[A-Za-z0-9_./+@%,-]+")


@dataclass(frozen=True)
class ShellLine:
    """A line, and the start-up file that it belongs into."""

    file: Path
    line: str
    shell: str


def is_on_path(folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether PATH names this folder, by whatever spelling."""
    wanted = os.path.normcase(os.path.realpath(folder))
    entries = environ.get("PATH", "").split(os.pathsep)
    return any(
        os.path.normcase(os.path.realpath(entry)) == wanted
        for entry in entries
        if os.path.isabs(entry)
    )


def shell_line(folder: Path, home: Path, environ: Mapping[str, str]) -> ShellLine:
    """The line for the user's login shell, as SHELL names it; another one is taken for sh."""
    shell = os.path.basename(environ.get("SHELL", ""))
    config = environ.get("XDG_CONFIG_HOME", "")
    if shell == "fish":
        base = Path(config) if os.path.isabs(config) else home / ".config"
        quoted = "'" + str(folder).replace("\\", "\\\\").replace("'", "\\'") + "'"
        return ShellLine(base / "fish/conf.d/cco.fish", f"set -gx PATH {quoted} $PATH", shell)
    if shell == "zsh":
        zdotdir = environ.get("ZDOTDIR", "")
        file = (Path(zdotdir) if os.path.isabs(zdotdir) else home) / ".zshrc"
    elif shell == "bash":  # Terminal on macOS starts login shells, others interactive ones
        file = home / (".bash_profile" if sys.platform == "darwin" else ".bashrc")
    else:
        file = home / ".profile"
    if folder.is_relative_to(home) and _PLAIN.fullmatch(str(folder.relative_to(home))):
        value = f'"$HOME/{folder.relative_to(home)}:$PATH"'
    else:
        value = f'{shlex.quote(str(folder))}:"$PATH"'
    return ShellLine(file, f"export PATH={value}", shell)


@dataclass(frozen=True)
class PutLine:
    """Have the line in the start-up file, in a marked block of ours."""

    shell_line: ShellLine

    @property
    def path(self) -> Path:
        return self.shell_line.file

    def outcome(self) -> str:
        if not self.path.exists():
            return CREATED
        before = self.path.read_bytes()
        return UNCHANGED if self._with_block(before) == before else REPLACED

    def apply(self) -> None:
        before = self.path.read_bytes() if self.path.exists() else b""
        _rewrite(self.path, self._with_block(before))

    def _with_block(self, before: bytes) -> bytes:
        block = os.fsencode(f"{_BEGIN}\n{self.shell_line.line}\n{_END}\n")
        if _BLOCK.search(before):
            return _BLOCK.sub(lambda _: block, before, count=1)
        gap = b"\n" if before and not before.endswith(b"\n") else b""
        return before + gap + block


@dataclass(frozen=True)
class RemoveLine:
    """Take our block out of the start-up file; remove the file if we made it and it is empty."""

    path: Path
    made: bool

    def outcome(self) -> str:
        has_block = self.path.is_file() and _BLOCK.search(self.path.read_bytes())
        return REMOVED if has_block else UNCHANGED

    def apply(self) -> None:
        after = _BLOCK.sub(b"", self.path.read_bytes())
        if self.made and not after.strip():
            self.path.unlink()
        else:
            _rewrite(self.path, after)


def _rewrite(path: Path, contents: bytes) -> None:
    """Replace a file in one step, its mode kept; behind a link, the file that it leads to."""
    real = Path(os.path.realpath(path))
    mode = real.stat().st_mode & 0o777 if real.exists() else 0o644
    PutFile(real, contents, mode).apply()
