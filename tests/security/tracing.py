"""Every program that a command starts, however briefly, and every file that it opens to write.

strace sees each call of the whole tree, daemons included; nothing is missed between two looks, as
it would be by reading /proc again and again. It does not see what the kernel itself writes, and
nothing of processes that were there before.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_CALLS = "execve,execveat,open,openat,creat,rename,renameat,renameat2,link,linkat"
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_LONGEST = 1 << 20


@dataclass(frozen=True)
class Start:
    """A program's start."""

    program: str
    arguments: tuple[bytes, ...]
    environment: tuple[bytes, ...]

    @property
    def name(self) -> str:
        return Path(self.program).name


def traced(command: tuple[str, ...], into: Path) -> tuple[str, ...]:
    """A command that does the same and has it written down, a file for each process."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not here: apt-get install strace")
    into.mkdir(exist_ok=True)
    options = ("-f", "-ff", "-qq", "-v", "-xx", "--seccomp-bpf", "-s", str(_LONGEST))
    number = len(list(into.iterdir()))
    return (strace, *options, "-e", f"trace={_CALLS}", "-o", str(into / f"{number}"), *command)


def _lines(into: Path) -> Iterator[str]:
    for path in sorted(into.iterdir()):
        yield from path.read_text().splitlines()


def starts(into: Path) -> list[Start]:
    """Every start that succeeded."""
    found = []
    for line in _lines(into):
        if line.startswith("execve") and line.endswith(" = 0"):
            program, _, rest = line.partition(", [")
            arguments, _, environment = rest.partition("], [")
            found.append(Start(_texts(program)[0].decode(), _texts(arguments), _texts(environment)))
    return found


def written(into: Path) -> set[Path]:
    """Every path that was opened to write, or given to a file."""
    found = set()
    for line in _lines(into):
        if " = -1 " in line:
            continue
        opens = line.startswith(("open", "creat"))
        if opens and not re.search(r"O_WRONLY|O_RDWR|O_CREAT|^creat", line):
            continue
        if opens or line.startswith(("rename", "link")):
            found.add(Path(_texts(line)[-1].decode(errors="surrogateescape")))
    return found


def _texts(part: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(one.replace("\\x", "")) for one in _STRING.findall(part))
