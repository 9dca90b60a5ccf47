"""File systems that lack something, or turn read-only under a session."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cco.sealing import names
from tests.conftest import Sandbox
from tests.fake_claude import FakeClaude
from tests.faults.test_disks import mount

COMMANDS = (("daemon", "start"), ("daemon", "restart"), ("daemon", "stop"), ("-p", "x"))
needs_root = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="only root mounts"
)


@pytest.mark.parametrize(
    ("lack", "told"),
    [
        ("LOCKS", ("No locks available", "point TMPDIR at a folder on a disk", "has no locks")),
        ("MODES", ("Operation not permitted", "or point TMPDIR", "keeps no permissions")),
    ],
    ids=["locks", "permissions"],
)
def test_what_a_file_system_lacks_is_said_at_once(
    source_sandbox: Sandbox,
    fake_claude: FakeClaude,
    shim: str,
    lack: str,
    told: tuple[str, str, str],
) -> None:
    """Nobody waits for locks that nobody can have, and nothing stays of what did not work."""
    sandbox, (reason, advice, finding) = source_sandbox, told
    env = sandbox.environment(
        LD_PRELOAD=shim, CCO_CLAUDE=str(fake_claude.path), **{f"CCO_SHIM_NO_{lack}": "1"}
    )
    for command in COMMANDS:
        result = sandbox.run(*command, env=env)
        assert result.code == (125 if command == ("-p", "x") else 8), result
        first, next_step = result.err.splitlines()
        assert first.endswith(f".lock cannot be locked: {reason}")
        assert advice in next_step
        assert list(sandbox.temp.iterdir()) == []
    assert sandbox.run("daemon", "status", env=env).code == 3
    doctor = sandbox.run("doctor", env=env)
    assert (doctor.code, doctor.err) == (1, "")
    assert f"{sandbox.temp} {finding}: {reason}" in " ".join(doctor.out.split())


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that cannot be written any more by whoever opens something in it from now on."""
    mount("--bind", str(folder), str(folder))
    try:
        mount("-o", "remount,bind,ro", str(folder))
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@needs_root
def test_a_folder_that_turns_read_only_ends_no_session(
    sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    """What runs is served, and what could not be removed is said so and removed later."""
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart", source="startup", cwd="/project")
    before = sandbox.sealed().settings
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    with read_only(sandbox.temp):
        assert "hookSpecificOutput" in sandbox.hook("SessionStart", source="startup").json()
        assert sandbox.run("-p", "x", env=env).code == 0
        assert sandbox.request("POST", "/api/v1/files", {}).status == 200  # nothing is gone
        restart = sandbox.run("daemon", "restart")
        assert restart.code == 8
        assert "TMPDIR" in restart.err
        assert sandbox.sealed().settings == before
    sandbox.ok("daemon", "restart")
    assert sandbox.request("GET", "/api/v1/sessions/s").json()["project"] == "/project"


@needs_root
def test_files_that_cannot_be_put_back_are_said_so(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    bridge = (sandbox.temp / names.BRIDGE).read_bytes()
    before = os.open(sandbox.temp, os.O_DIRECTORY)  # what is done through it is done as before
    try:
        with read_only(sandbox.temp):
            os.unlink(names.BRIDGE, dir_fd=before)
            answer = sandbox.request("POST", "/api/v1/files", {})
            assert answer.status == 503
            assert "Read-only file system" in answer.json()["detail"]
    finally:
        os.close(before)
    assert sandbox.request("POST", "/api/v1/files", {}).json() == {"status": "whole"}
    assert (sandbox.temp / names.BRIDGE).read_bytes() == bridge


@needs_root
def test_a_stop_that_can_remove_nothing_says_so(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    with read_only(sandbox.temp):
        stop = sandbox.run("daemon", "stop")
        assert stop.code == 8, stop
        first, advice = stop.err.splitlines()
        assert str(sandbox.temp) in first
        assert advice
    sandbox.ok("daemon", "stop")
    assert list(sandbox.temp.iterdir()) == []
