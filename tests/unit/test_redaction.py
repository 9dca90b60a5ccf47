"""Secrets do not get into what is shown to others."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco import build_info
from cco.build_info import BuildInfo
from cco.daemon.server import TOKEN_BYTES
from cco.redaction import REDACTED, is_secret, redacted

SECRET = bytes(range(200, 232))


@given(st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES))
def test_a_token_of_the_daemon(data: bytes) -> None:
    token = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    if token != token.lower() and token != token.upper():  # of random bytes always
        assert token not in redacted(f"ValueError: {token!r} is none", {})
        assert token not in redacted(f"Authorization: Bearer {token}", {})


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("ANTHROPIC_API_KEY", True),
        ("CCO_TOKEN", True),
        ("OTEL_EXPORTER_OTLP_HEADERS", True),
        ("DATABASE_PASSWORD", True),
        ("aws_secret_access_key", True),
        ("PATH", False),
        ("CCO_PORT", False),
        ("HOME", False),
    ],
)
def test_the_values_of_secret_variables(name: str, secret: bool) -> None:
    assert is_secret(name) is secret
    told = redacted("it was 'hunter2-hunter2' then", {name: "hunter2-hunter2"})
    assert told == ("it was '[redacted]' then" if secret else "it was 'hunter2-hunter2' then")


def test_a_secret_as_it_is_quoted() -> None:
    assert "line" not in redacted(repr("two\nlines'"), {"MY_TOKEN": "two\nlines'"})


def test_a_short_value_is_no_secret() -> None:
    """Or else `1` would be taken out of every number."""
    assert redacted("port 3001", {"MY_KEY": "1"}) == "port 3001"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://ada:pass@proxy:3128/", f"http://{REDACTED}@proxy:3128/"),
        ("http://127.0.0.1:3000/hooks/Stop", "http://127.0.0.1:3000/hooks/Stop"),
        ("sk-ant-api03-abcdefgh", REDACTED),
        ("authorization=bearer abc", f"authorization=bearer {REDACTED}"),
        ("/home/ada/.cache/cco/66e4d74f4a98d6aa8cc0aac2990e3da7", None),
        ("cco/daemon/hooks/handler.py", None),
        ("test_a_name_that_is_just_as_long_as_a_token_", None),
    ],
)
def test_what_looks_like_a_secret(text: str, told: str | None) -> None:
    assert redacted(text, {}) == (text if told is None else told)


@pytest.mark.parametrize(
    "spelled",
    [SECRET.hex(), repr(SECRET), base64.b64encode(SECRET).decode(), str(SECRET)],
)
def test_the_build_secret(monkeypatch: pytest.MonkeyPatch, spelled: str) -> None:
    build = BuildInfo(commit="c", build_id="b", release=True, frozen=True, secret=SECRET)
    monkeypatch.setattr(build_info, "current", lambda: build)
    told = redacted(f"KeyError: {spelled}", os.environ)
    assert REDACTED in told
    assert spelled[4:-4] not in told


def test_a_public_build_secret_is_a_word_like_any_other() -> None:
    assert redacted("cco-development-build-secret", {}) == "cco-development-build-secret"


def test_a_path_is_left_as_it_is(tmp_path: Path) -> None:
    assert redacted(str(tmp_path), {}) == str(tmp_path)
