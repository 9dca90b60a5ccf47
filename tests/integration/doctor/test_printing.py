"""How the doctor's findings are printed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.conftest import Sandbox


def test_the_text_is_aligned_and_ends_with_the_verdict(sandbox: Sandbox, client: Path) -> None:
    result = sandbox.run("doctor", env=sandbox.environment(CCO_CLAUDE=str(client)))
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "This program"
    rows = [line for line in lines if re.match(r"  (ok|note|PROBLEM) ", line)]
    assert rows
    assert all(row[9:11] == "  " for row in rows), "the marks take one column"
    details = {re.match(r"  \S+ +(\S.*?)  +(?=\S)", row) for row in rows}
    assert len({match.end() for match in details if match}) == 1, "and so do the details"
    assert lines[-1].startswith("cco works here")
    assert lines[-1].endswith("Next: cco, in a project of yours")
    absent = sandbox.run("doctor", env=sandbox.environment(CCO_CLAUDE="/absent/claude"))
    assert absent.code == 1
    assert re.search(r"^  PROBLEM  Claude Code  +CCO_CLAUDE names", absent.out, re.MULTILINE)
    last = absent.out.splitlines()[-1]
    assert last.startswith("cco does not work as it should: 1 problem")
    assert "Next: Install Claude Code: npm install -g" in last


def at_a_terminal(sandbox: Sandbox, client: Path, columns: int = 80, /, **variables: str) -> str:
    """What is printed at a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = sandbox.environment(CCO_CLAUDE=str(client), **variables)
    process = subprocess.Popen(
        [*sandbox.command, "doctor"], env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux: the last one closed the terminal
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    assert process.wait() == 0
    return b"".join(pieces).decode()


def test_colours_are_for_terminals_that_want_them(source_sandbox: Sandbox, client: Path) -> None:
    coloured = at_a_terminal(source_sandbox, client, TERM="xterm")
    assert "\x1b[32mok" in coloured
    for variables in ({"TERM": "dumb"}, {}, {"TERM": "xterm", "NO_COLOR": "1"}):
        assert "\x1b" not in at_a_terminal(source_sandbox, client, **variables)


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(
    source_sandbox: Sandbox, client: Path, columns: int
) -> None:
    shown = at_a_terminal(source_sandbox, client, columns, TERM="dumb")
    lines = shown.split("\r\n")
    assert max(map(len, lines)) <= columns
    piped = source_sandbox.ok("doctor", env=source_sandbox.environment(CCO_CLAUDE=str(client)))
    assert max(map(len, piped.splitlines())) > 80, "where nobody sees it, a finding is one line"
    (system,) = re.findall(r"ok +system +(.*)", piped)
    assert system.replace(" ", "") in "".join(shown.split())
