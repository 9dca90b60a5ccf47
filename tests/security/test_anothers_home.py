"""HOME is another account's, as `sudo` and `su` may leave it: nothing of ours is put there, and
nothing that lies there in wait is written through."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cco.daemon.log import log_path
from tests.conftest import NEEDS_BINARY, Result
from tests.security.conftest import ATTACKER, OWNER, SharedMachine, as_account, needs_root

pytestmark = needs_root


@pytest.fixture
def theirs(machine: SharedMachine) -> Path:
    """A home of another account, open to everybody, so that nothing but cco itself holds back."""
    home = machine.root.parent / "theirs"
    home.mkdir()
    os.chown(home, ATTACKER, ATTACKER)
    home.chmod(0o777)
    return home


def run(machine: SharedMachine, home: Path, *arguments: str, **more: str) -> Result:
    """A command with that HOME; the unpacked copy has a place of its own, or would go there."""
    runtime = machine.home / "runtime"
    if not runtime.exists():
        runtime.mkdir(mode=0o700)
        os.chown(runtime, OWNER, OWNER)
    env = machine.environment(HOME=str(home), XDG_RUNTIME_DIR=str(runtime), **more)
    if "XDG_CACHE_HOME" not in more:
        env.pop("XDG_CACHE_HOME", None)
    return machine.run(*arguments, env=env)


def of_the_owner(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.lstat().st_uid == OWNER]


def test_nothing_of_ours_is_put_there(machine: SharedMachine, theirs: Path) -> None:
    result = run(machine, theirs, "daemon", "start")
    assert result.code == 0, result
    assert f"HOME ({theirs}) belongs to another account" in result.err
    assert run(machine, theirs, "sessions").code == 0
    assert of_the_owner(theirs) == []
    assert run(machine, theirs, "daemon", "stop").code == 0
    assert of_the_owner(theirs) == []


def test_nor_where_variables_lead_into_it(machine: SharedMachine, theirs: Path) -> None:
    names = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
    more = {name: str(theirs / name) for name in names}
    assert run(machine, theirs, "daemon", "start", **more).code == 0
    assert run(machine, theirs, "daemon", "stop", **more).code == 0
    assert of_the_owner(theirs) == []


def test_no_log_is_written_through_a_link_there(machine: SharedMachine, theirs: Path) -> None:
    precious = machine.home / "precious"
    precious.write_text("precious")
    os.chown(precious, OWNER, OWNER)
    precious.chmod(0o644)
    planted = theirs / ".local/state/cco" / log_path(machine.temp).name

    def plant() -> None:
        planted.parent.mkdir(parents=True)
        planted.symlink_to(precious)
        planted.parent.chmod(0o777)

    as_account(ATTACKER, plant)
    assert run(machine, theirs, "daemon", "start").code == 0
    assert run(machine, theirs, "daemon", "stop").code == 0
    assert precious.read_text() == "precious"
    assert precious.stat().st_mode & 0o777 == 0o644


def test_installing_there_is_refused(machine: SharedMachine, theirs: Path) -> None:
    if not machine.frozen:
        pytest.skip(NEEDS_BINARY)
    as_account(ATTACKER, (theirs / ".bashrc").touch)
    for arguments in (["--modify-path"], ["--modify-path", "--prefix", str(machine.home / "own")]):
        result = run(machine, theirs, "install", *arguments, SHELL="/bin/bash")
        assert result.code == 14, result
        assert f"HOME is {theirs}, which belongs to another account" in result.err
        assert "sudo -H" in result.err
    assert of_the_owner(theirs) == []
    assert (theirs / ".bashrc").read_bytes() == b""
    assert not (machine.home / "own").exists()


def test_doctor_says_so(machine: SharedMachine, theirs: Path) -> None:
    told = run(machine, theirs, "doctor").out
    assert f"HOME is {theirs}, which belongs to another account" in told
