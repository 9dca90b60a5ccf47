"""How the portable program is made: reproducibly, bound to its commit and secret, or not at all."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from freezing import identity
from freezing.secret import VARIABLE

from cco.build_info import VERSION
from tests.platforms.place import place_on

ROOT = Path(__file__).parent.parent.parent
BUILD_TIMEOUT_S = 900


def build(out: Path, *flags: str, secret: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if name != VARIABLE}
    return subprocess.run(
        [sys.executable, ROOT / "build" / "platforms" / "linux.py", "--out", out, *flags],
        env=environment | ({VARIABLE: secret} if secret else {}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.timeout(2 * BUILD_TIMEOUT_S)
def test_two_builds_are_byte_identical_and_say_whose_they_are(
    bookworm: Path, tmp_path: Path
) -> None:
    secret = secrets.token_hex(32)
    for name in ("first", "second"):
        done = build(tmp_path / name, "--release", secret=secret)
        assert done.returncode == 0, done.stderr
        assert secret not in done.stdout + done.stderr
    program = (tmp_path / "first").read_bytes()
    assert (tmp_path / "second").read_bytes() == program
    assert bytes.fromhex(secret) not in program
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]
    commit = identity.identify(ROOT).commit
    with place_on(bookworm, tmp_path / "first", machine_id=True) as place:
        told = json.loads(place.ok("version", "--json"))
    assert told["commit"] == commit
    assert told["build_id"] == identity.build_id(bytes.fromhex(secret), VERSION, commit)


@pytest.mark.parametrize("secret", [None, "00" * 32, "not a secret"])
def test_a_release_without_a_real_secret_builds_nothing(tmp_path: Path, secret: str | None) -> None:
    done = build(tmp_path / "cco", "--release", secret=secret)
    assert done.returncode == 1
    assert VARIABLE in done.stderr
    assert list(tmp_path.iterdir()) == []
