"""What people type after a command, be it no UTF-8: an answer or an error, never a defect."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cco.cli.entry import main
from tests.conftest import Sandbox

TYPED = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
NOT_UTF8 = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)
"""Bytes of arguments, as Python keeps them."""
WORD = st.text(TYPED | NOT_UTF8, max_size=12) | st.sampled_from(
    ["s", "s1", "/", "..", "~", "%", "a/b?c#d", "5", "nan", "1e999", "-", "--", "--x", "\x1b[31m"]
)
COMMANDS: Sequence[Sequence[str]] = (
    ("sessions", "?"),
    ("sessions", "--json", "?"),
    ("usage", "--session", "?"),
    ("usage", "--project", "?"),
    ("budget", "set", "5", "--session", "?"),
    ("budget", "set", "?", "--day"),
    ("notes", "?"),
    ("notes", "--all", "--json", "?"),
    ("notes", "--add", "?", "--path", "?"),
    ("agents", "show", "?"),
    ("agents", "search", "?"),
    ("agents", "list", "?"),
    ("rules", "show", "?"),
    ("completion", "?"),
    ("top", "--once", "--interval", "?"),
    ("hook", "?"),
    ("hook", "Stop", "--launch", "?"),
    ("statusline", "?"),
    ("version", "?"),
    ("install", "--dry-run", "--prefix", "?"),
    ("daemon", "status", "?"),
)
_CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_any_word_after_a_command(
    command: Sequence[str],
    daemon: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = daemon.environment()
    for name in {*os.environ, *environment}:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(daemon.project)

    loads_all = command[0] == "agents"  # which takes half a second

    @settings(max_examples=2 if loads_all else 12, suppress_health_check=[HealthCheck.too_slow])
    @given(WORD)
    @example("\udcff")
    @example("/tmp/\udce9")
    def holds(word: str) -> None:
        code = main([word if part == "?" else part for part in command])
        told = capsys.readouterr()
        assert code in _CODES, (code, told)
        assert "Traceback" not in told.err
        for line in (told.out + told.err).split("\n"):
            assert line.isprintable(), line

    holds()
