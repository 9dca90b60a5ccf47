"""The build secret: taken from the environment only, and a release refuses all but a real one."""

from __future__ import annotations

import base64
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from freezing.secret import VARIABLE, choose_secret

from cco.build_info import DEVELOPMENT_SECRET
from cco.errors import BuildSecretInvalid

ROOT = Path(__file__).parent.parent.parent
REAL = bytes(range(7, 47))

REFUSED = {
    "too_short_hex": REAL[:31].hex(),
    "too_short_base64": base64.b64encode(REAL[:31]).decode(),
    "malformed": "not a secret!",
    "half_a_byte": REAL.hex()[:-1] + "?",
    "the_development_secret": DEVELOPMENT_SECRET.decode(),
    "the_development_secret_in_hex": DEVELOPMENT_SECRET.hex(),
    "the_development_secret_in_base64": base64.b64encode(DEVELOPMENT_SECRET).decode(),
    "the_development_secret_made_longer": (DEVELOPMENT_SECRET + b"12345").hex(),
    "all_zero": "00" * 32,
}


@pytest.mark.parametrize("text", [REAL.hex(), REAL.hex().upper(), base64.b64encode(REAL).decode()])
@pytest.mark.parametrize("release", [True, False])
def test_a_real_secret_is_taken(text: str, release: bool) -> None:
    assert choose_secret({VARIABLE: text}, release=release) == REAL
    assert choose_secret({VARIABLE: f" {text}\n"}, release=release) == REAL


@pytest.mark.parametrize("environ", [{}, {VARIABLE: ""}, {VARIABLE: " \n"}])
def test_without_one_it_is_a_development_build(environ: dict[str, str]) -> None:
    assert choose_secret(environ, release=False) == DEVELOPMENT_SECRET
    with pytest.raises(BuildSecretInvalid, match="release needs a build secret") as caught:
        choose_secret(environ, release=True)
    assert VARIABLE in caught.value.advice


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("release", [True, False])
def test_a_bad_secret_is_refused_and_not_repeated(text: str, release: bool) -> None:
    with pytest.raises(BuildSecretInvalid) as caught:
        choose_secret({VARIABLE: text}, release=release)
    assert text not in f"{caught.value} {caught.value.advice}"
    assert VARIABLE in str(caught.value)


@pytest.mark.parametrize("text", [None, "", *REFUSED.values()], ids=["absent", "empty", *REFUSED])
def test_a_release_without_a_real_secret_builds_nothing(text: str | None, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if text is not None:
        environment[VARIABLE] = text
    out = tmp_path / "dist" / "cco"
    done = subprocess.run(
        [sys.executable, ROOT / "build" / "freeze.py", "--release", "--out", out],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (11, "")
    assert done.stderr.startswith("freeze: ")
    assert "Traceback" not in done.stderr
    assert "openssl rand" in done.stderr
    assert not text or text not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_build_never_shows_its_secret() -> None:
    from freezing.bundle import Build

    secret = secrets.token_bytes(32)
    shown = repr(Build(secret, release=True, version="1", commit="abc", build_id="def"))
    assert repr(secret) not in shown
