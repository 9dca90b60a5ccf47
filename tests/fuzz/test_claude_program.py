"""Whatever `claude --version` says, `cco doctor` tells it on a line that drives no terminal."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cco.cli import doctor
from cco.cli.output import printable


def test_any_output_of_any_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("CCO_CLAUDE", str(program))
    monkeypatch.setenv("HOME", str(tmp_path))

    @given(st.binary(max_size=100), st.integers(-15, 255))
    @example(b"2.1.330 (Claude Code)\n", 0)
    @example("\x1b]0;owned\x07\x9b31m".encode(), 0)
    def holds(output: bytes, code: int) -> None:
        def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
            assert command == [str(program), "--version"]
            return subprocess.CompletedProcess(command, code, output, b"")

        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "run", run)
            found = doctor._claude()
        assert found.state == (doctor.OK if code == 0 else doctor.PROBLEM)
        assert printable(found.detail).isprintable()

    holds()
