"""What cco prints on Windows, and to whom."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import Sandbox

assert sys.platform == "win32"  # tells the type checker where this runs


@pytest.mark.parametrize(
    "arguments", [["version"], ["agents", "list"], ["rules", "show"], ["--help"]], ids=" ".join
)
def test_a_reader_that_goes_away_is_no_error_to_speak_of(
    sandbox: Sandbox, arguments: list[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [*sandbox.command, *arguments],
            env=sandbox.environment(),
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_name_that_no_file_can_have_is_still_an_error(sandbox: Sandbox) -> None:
    result = sandbox.run("agents", "list", env=sandbox.environment(CCO_CONFIG="C:\\a?b<c>"))
    assert result.code not in (0, 141)
    assert "C:" in result.err


def test_text_goes_through_pipes_as_utf_8(sandbox: Sandbox) -> None:
    result = sandbox.run("agents", "show", "größer ✓ 名前")
    assert result.code != 0
    assert "größer ✓ 名前" in result.err
