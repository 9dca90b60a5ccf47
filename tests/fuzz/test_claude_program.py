"""Whatever `claude --version` says, `cco doctor` tells it on a line that drives no terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cco.cli.output import printable
from cco.config import Config
from cco.doctor import claude_code
from cco.doctor.child import Ended
from cco.doctor.finding import OK, PROBLEM


def test_any_output_of_any_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))

    @given(st.binary(max_size=100), st.integers(-15, 255))
    @example(b"2.1.330 (Claude Code)\n", 0)
    @example("\x1b]0;owned\x07\x9b31m".encode(), 0)
    def holds(output: bytes, code: int) -> None:
        class Child:
            took_s = 0.1

            def __init__(self, command: list[str], environ: object) -> None:
                assert command == [str(program), "--version"]

            def ended(self, timeout_s: float) -> Ended:
                return Ended(code, output.decode("utf-8", "replace"), "")

        with monkeypatch.context() as patch:
            patch.setattr(claude_code, "Child", Child)
            found = list(claude_code.ClaudeCode(Config(claude=str(program))).examine())
        assert found[0].state == (OK if code == 0 else PROBLEM)
        for one in found:
            assert printable(one.detail).isprintable()

    holds()
