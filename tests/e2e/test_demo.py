"""`cco demo`, and that it fails when what it tells of did not happen."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import Sandbox


def left_in(sandbox: Sandbox) -> list[str]:
    return [path.name for path in sandbox.temp.iterdir()]


def test_demo(sandbox: Sandbox, claude: str) -> None:
    printed = sandbox.ok("demo", env=sandbox.environment(CCO_CLAUDE=claude))
    for told in (
        ".cco-agents-sealed           mode 0600",
        "the rules reached the model",
        "python-engineer was started with its brief",
        "they worked at the same time and wrote slug.py and test_slug.py",
        "the summariser was told what to keep",
        "every token is counted",
        "nothing of cco is left in the temp folder",
    ):
        assert told in printed
    assert left_in(sandbox) == []
    assert list(sandbox.project.iterdir()) == []


def test_what_is_kept_can_be_looked_at(source_sandbox: Sandbox, claude: str) -> None:
    env = source_sandbox.environment(CCO_CLAUDE=claude)
    printed = source_sandbox.ok("demo", "--keep", env=env)
    (kept,) = [line for line in printed.splitlines() if line.startswith("kept: ")]
    root = Path(kept.removeprefix("kept: "))
    assert "def slugify" in (root / "project" / "slug.py").read_text()


def test_a_client_that_does_nothing_fails_the_demo(source_sandbox: Sandbox) -> None:
    lazy = source_sandbox.root / "claude"
    lazy.write_text('#!/bin/sh\necho \'{"session_id": "none"}\'\n')
    lazy.chmod(0o755)
    env = source_sandbox.environment(CCO_CLAUDE=str(lazy))
    result = source_sandbox.run("demo", env=env)
    assert (result.code, "the client asked the model for nothing" in result.err) == (13, True)
    assert left_in(source_sandbox) == []


def test_without_a_client_it_says_how_to_get_one(source_sandbox: Sandbox) -> None:
    env = source_sandbox.environment(CCO_CLAUDE=str(source_sandbox.root / "absent"))
    result = source_sandbox.run("demo", env=env)
    assert (result.code, result.out, "npm install -g" in result.err) == (127, "", True)
    assert left_in(source_sandbox) == []
