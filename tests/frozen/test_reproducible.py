"""Two freezes of one tree with one secret give one and the same file."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def freeze(out: Path, secret: str) -> bytes:
    done = subprocess.run(
        [sys.executable, ROOT / "build" / "freeze.py", "--out", out],
        env={**os.environ, "CCO_BUILD_SECRET": secret},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert secret not in done.stderr + done.stdout
    return out.read_bytes()


@pytest.mark.slow
def test_two_freezes_are_byte_identical(binary: Path, tmp_path: Path) -> None:
    secret = secrets.token_hex(32)
    first = freeze(tmp_path / "first", secret)
    second = freeze(tmp_path / "second", secret)
    assert first == second
    assert bytes.fromhex(secret) not in first
    assert first != binary.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]
