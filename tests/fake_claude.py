"""A stand-in for Claude Code that writes down how it was started."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_GLIBC_SIGNALS = 0b11 << 31  # 32 and 33: glibc's own, which `make` leaves ignored in its children
_FAKE_CLAUDE = """#!/bin/sh
# Writes down how it was started (in one step, as start.<pid>), then ends as it is told.
here=${0%/*}
into=$here/.draft.$$
mkdir "$into"
cat /proc/$$/cmdline > "$into/cmdline"
cat /proc/$$/environ > "$into/environ"
cat /proc/$$/status > "$into/status"
readlink /proc/$$/cwd > "$into/cwd"
(ls -l /proc/$$/fd > "$into/fds")
mv "$into" "$here/start.$$"
[ -n "$FAKE_GATE" ] && read -r line < "$here/gate"
[ -n "$FAKE_SIGNAL" ] && kill -"$FAKE_SIGNAL" $$
[ "$1" = --version ] && echo "0.0.0 (a stand-in for Claude Code)"
exit "${FAKE_EXIT:-0}"
"""


@dataclass
class ClaudeStart:
    """How a stand-in for Claude Code was started."""

    pid: int
    arguments: list[str]
    environ: dict[str, str]
    cwd: str
    fds: dict[int, str]
    ignored_signals: int
    """A bit each, the lowest for signal 1."""

    def option(self, name: str) -> str:
        """The value after an option."""
        return self.arguments[self.arguments.index(name) + 1]


class FakeClaude:
    """A program in the place of Claude Code that writes down how it was started (Linux)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.path = folder / "claude"
        self.path.write_text(_FAKE_CLAUDE)
        self.path.chmod(0o755)
        os.mkfifo(folder / "gate")

    def open_gate(self) -> None:
        """Let go the one that waits, since it was started with FAKE_GATE=1."""
        (self.folder / "gate").write_text("go on\n")

    def starts(self) -> list[ClaudeStart]:
        """Every start so far."""
        return [self._read(folder) for folder in sorted(self.folder.glob("start.*"))]

    def only_start(self) -> ClaudeStart:
        starts = self.starts()
        assert len(starts) == 1, starts
        return starts[0]

    def _read(self, folder: Path) -> ClaudeStart:
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        fds = dict(re.findall(r" (\d+) -> (.*)", (folder / "fds").read_text()))
        return ClaudeStart(
            pid=int(folder.name.removeprefix("start.")),
            arguments=_strings(folder / "cmdline")[2:],
            environ=dict(entry.split("=", 1) for entry in _strings(folder / "environ")),
            cwd=(folder / "cwd").read_text().rstrip("\n"),
            fds={int(fd): target for fd, target in fds.items() if target != str(self.path)},
            ignored_signals=int(status["SigIgn"], 16) & ~_GLIBC_SIGNALS,
        )


def _strings(path: Path) -> list[str]:
    """The zero-terminated strings of a file in /proc."""
    return os.fsdecode(path.read_bytes()).split("\0")[:-1]
