"""Where the daemon puts its files, and what it does where it cannot."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cco.sealing import names
from tests.conftest import Sandbox

needs_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files away"
)


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_a_home_that_cannot_be_used_costs_the_log_only(sandbox: Sandbox, home: str) -> None:
    env = sandbox.environment(HOME=home, XDG_DATA_HOME=str(sandbox.home))  # a place for an id
    result = sandbox.run("daemon", "start", env=env)
    assert result.code == 0, result
    assert sandbox.run("daemon", "status", env=env).code == 0
    logs = sandbox.run("daemon", "logs", env=env)
    assert logs.code == 9
    assert "no log" in logs.err
    assert sandbox.run("daemon", "stop", env=env).code == 0


def test_without_a_home_the_places_come_from_elsewhere(source_sandbox: Sandbox) -> None:
    """XDG variables here; without them it is the account's own home, which tests leave alone."""
    sandbox = source_sandbox
    env = sandbox.environment()
    del env["HOME"]
    env |= {f"XDG_{kind}_HOME": str(sandbox.home / kind) for kind in ("STATE", "CONFIG", "DATA")}
    assert sandbox.run("daemon", "start", env=env).code == 0
    assert "serves on port" in sandbox.run("daemon", "logs", env=env).out
    assert sandbox.run("daemon", "stop", env=env).code == 0
    made = {path.name for path in sandbox.home.iterdir()}
    assert made - {"DATA"} == {"STATE"}  # and an id, where the machine has none


@pytest.mark.parametrize("command", ["start", "status", "stop", "restart", "run", "logs"])
def test_a_temp_folder_that_takes_no_files_is_said_so(
    source_sandbox: Sandbox, command: str
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("/proc is Linux's")
    env = source_sandbox.environment(TMPDIR="/proc")
    result = source_sandbox.run("daemon", command, env=env)
    if command in ("status", "logs"):
        assert result.code in (3, 8, 9)
    else:
        assert result.code == 8
        assert "TMPDIR" in result.err
    assert result.err.startswith("cco: error: ")
    assert "defect of cco" not in result.err


def test_a_temp_folder_with_an_awkward_name_is_a_folder(sandbox: Sandbox) -> None:
    folder = sandbox.root / 'tmp of o\'Brien "größe" $HOME'
    folder.mkdir()
    env = sandbox.environment(TMPDIR=str(folder))
    assert sandbox.run("daemon", "start", env=env).code == 0
    assert (folder / names.SETTINGS).exists()
    assert sandbox.run("daemon", "status", env=env).code == 0
    assert sandbox.run("daemon", "stop", env=env).code == 0
    assert list(folder.iterdir()) == []


def test_each_temp_folder_has_its_own_daemon(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    folder = sandbox.root / "another"
    folder.mkdir()
    env = sandbox.environment(TMPDIR=str(folder))
    sandbox.ok("daemon", "start")
    assert sandbox.run("daemon", "start", env=env).code == 0
    try:
        assert sandbox.run("daemon", "status", env=env).code == 0
        sandbox.ok("daemon", "stop")
        assert sandbox.run("daemon", "status", env=env).code == 0
    finally:
        assert sandbox.run("daemon", "stop", env=env).code == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", [names.SETTINGS, names.RULES, names.BRIDGE])
def test_a_planted_link_is_replaced_and_its_target_left_alone(
    source_sandbox: Sandbox, name: str
) -> None:
    victim = source_sandbox.home / "victim"
    victim.write_text("precious")
    (source_sandbox.temp / name).symlink_to(victim)
    source_sandbox.ok("daemon", "start")
    assert not (source_sandbox.temp / name).is_symlink()
    source_sandbox.ok("daemon", "stop")
    assert victim.read_text() == "precious"
    assert list(source_sandbox.temp.iterdir()) == []


def test_a_planted_link_to_a_folder_is_replaced_too(source_sandbox: Sandbox) -> None:
    victim = source_sandbox.home / "victims"
    victim.mkdir()
    (victim / "precious").touch()
    (source_sandbox.temp / names.PLUGIN).symlink_to(victim)
    source_sandbox.ok("daemon", "start")
    assert not (source_sandbox.temp / names.PLUGIN).is_symlink()
    source_sandbox.ok("daemon", "stop")
    assert (victim / "precious").exists()


@pytest.mark.parametrize("name", [names.DAEMON_LOCK, names.START_LOCK])
def test_a_planted_link_is_never_locked(source_sandbox: Sandbox, name: str) -> None:
    victim = source_sandbox.home / "victim"
    planted = source_sandbox.temp / name
    planted.symlink_to(victim)
    result = source_sandbox.run("daemon", "start")
    assert result.code == 8
    assert str(planted) in result.err
    assert not victim.exists()
    planted.unlink()


@needs_root
@pytest.mark.parametrize("name", [names.SETTINGS, names.START_LOCK, names.PLUGIN])
def test_a_name_held_by_another_user_moves_everything_to_a_private_folder(
    source_sandbox: Sandbox, name: str
) -> None:
    sandbox = source_sandbox
    held = sandbox.temp / name
    held.touch()
    os.chown(held, 12345, 12345)
    sandbox.ok("daemon", "start")
    private = sandbox.temp / f"cco-{os.geteuid()}"
    assert private.stat().st_mode & 0o777 == 0o700
    assert (private / names.SETTINGS).exists()
    assert f'"folder": "{private}"' in sandbox.ok("daemon", "status", "--json")
    sandbox.ok("daemon", "restart")
    sandbox.ok("daemon", "stop")
    assert list(sandbox.temp.iterdir()) == [held]
    assert held.stat().st_uid == 12345
    held.unlink()


@needs_root
def test_a_private_folder_of_another_user_is_left_alone(source_sandbox: Sandbox) -> None:
    temp = source_sandbox.temp
    held, private = temp / names.SETTINGS, temp / f"cco-{os.geteuid()}"
    held.touch()
    private.mkdir()
    for path in (held, private):
        os.chown(path, 12345, 12345)
    own = source_sandbox.home / ".local/state/cco/temp"
    source_sandbox.ok("daemon", "start")
    try:
        assert sorted(temp.iterdir()) == sorted([held, private])
        assert (own / names.SETTINGS).is_file()
        assert f"files in {own}" in source_sandbox.ok("daemon", "status")
    finally:
        source_sandbox.ok("daemon", "stop")
        held.unlink()
    assert not own.exists()


def test_the_log_is_the_owners_alone(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    folder = source_sandbox.home / ".local/state/cco"
    (log,) = folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert log.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in Path(source_sandbox.home).iterdir()} == {".local"}
