"""Another account in the same temp folder: reading, holding, linking, replacing, racing."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cco.sealing import names
from tests.conftest import Sandbox
from tests.fake_claude import FakeClaude
from tests.security.conftest import (
    ATTACKER,
    OWNER,
    SharedMachine,
    as_account,
    busy_account,
    needs_root,
)

pytestmark = needs_root
PROTECTED_LINKS = Path("/proc/sys/fs/protected_hardlinks")


def refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except (PermissionError, IsADirectoryError):
        return True
    return False


def attempts(path: Path) -> dict[str, bool]:
    """Everything that one may try with a name; whether it was refused."""
    beside = path.with_name("the-attackers")
    beside.write_text("mine")
    made: dict[str, Callable[[], object]] = {
        "read": path.read_bytes,
        "list": lambda: os.listdir(path) if path.is_dir() else path.open("rb"),
        "write": lambda: path.open("r+b"),
        "truncate": lambda: os.truncate(path, 0),
        "open up": lambda: path.chmod(0o666),
        "take over": lambda: os.chown(path, ATTACKER, ATTACKER),
        "touch": lambda: os.utime(path),
        "remove": lambda: path.rmdir() if path.is_dir() else path.unlink(),
        "move away": lambda: path.rename(path.with_name("moved")),
        "replace": lambda: os.replace(beside, path),
        "add to": (path / "hooks.json" if path.is_dir() else path).touch,
    }
    if PROTECTED_LINKS.exists() and PROTECTED_LINKS.read_text().strip() == "1":
        made["hard-link"] = lambda: path.with_name("linked").hardlink_to(path)
    try:
        return {what: refused(act) for what, act in made.items()}
    finally:
        beside.unlink(missing_ok=True)


def test_nothing_of_ours_is_read_or_changed_by_others(machine: SharedMachine) -> None:
    machine.ok("daemon", "start")
    kept = {path: path.lstat() for path in machine.ours()}
    assert {path.name for path in kept} >= {*names.ALL} - {names.START_LOCK}
    for name in {*names.ALL} - {names.START_LOCK}:
        found = as_account(ATTACKER, lambda name=name: attempts(machine.temp / name))  # type: ignore[misc]
        assert all(found.values()), (name, found)
    for path, before in kept.items():
        after = path.lstat()
        assert after.st_ino == before.st_ino or path.name == names.HISTORY
        assert (after.st_uid, after.st_mode & 0o077) == (OWNER, 0)
    assert machine.run("doctor").out.count("problem") <= 1  # there is no Claude Code
    answer = machine.hook("SessionStart")
    assert "hookSpecificOutput" in answer.json()


def a_file(path: Path) -> None:
    path.write_text("the attacker's")
    path.chmod(0o666)


def a_folder(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)
    (path / "agents").mkdir()
    (path / "agents" / "evil.md").write_text("---\nname: evil\n---\n")


def a_link_to_the_owners(path: Path) -> None:
    path.symlink_to(path.parent.parent / "home" / "precious")


def a_link_to_the_attackers(path: Path) -> None:
    target = path.with_name("mine")
    target.touch()
    target.chmod(0o666)
    path.symlink_to(target)


def a_pipe(path: Path) -> None:
    os.mkfifo(path, 0o666)
    path.chmod(0o666)


KINDS = [a_file, a_folder, a_link_to_the_owners, a_link_to_the_attackers, a_pipe]


def lay(temp: Path, make: Callable[[Path], None]) -> list[str]:
    """Hold every name of ours."""
    for name in names.ALL:
        make(temp / name)
    return snapshot(temp)


def snapshot(temp: Path) -> list[str]:
    """What is the attacker's, with what is in it."""
    found = []
    for path in sorted(temp.rglob("*")):
        status = path.lstat()
        if status.st_uid == ATTACKER:
            text = path.read_text() if stat.S_ISREG(status.st_mode) else ""
            found.append(f"{path} {status.st_ino} {status.st_mode:o} {text}")
    return found


def assert_served_from(machine: SharedMachine, folder: Path, fake_claude: FakeClaude) -> None:
    """A launch works and names files of the owner's alone, in the folder that is expected."""
    start = machine.run("-p", "x", env=machine.environment(CCO_CLAUDE=str(fake_claude.path)))
    assert start.code == 0, start
    found = fake_claude.starts()[-1]
    named = [found.option("--settings"), found.option("--plugin-dir")]
    named += [found.environ[f"ORCHESTRATOR_{one}"] for one in ("SETTINGS", "AGENTS", "RULES")]
    for path in map(Path, named):
        assert path.parent == folder
        assert path.lstat().st_uid == OWNER
        assert path.lstat().st_mode & 0o077 == 0
        assert not path.is_symlink()
    assert "hookSpecificOutput" in machine.hook("SessionStart").json()


@pytest.fixture
def fake_claude(machine: SharedMachine) -> FakeClaude:
    """A stand-in for Claude Code that the owner can run."""
    fake = FakeClaude(machine.home / "fake")
    for path in (fake.folder, *fake.folder.iterdir()):
        os.chown(path, OWNER, OWNER)
    return fake


@pytest.mark.parametrize("make", KINDS)
def test_names_that_others_hold_are_left_to_them(
    machine: SharedMachine, fake_claude: FakeClaude, make: Callable[[Path], None]
) -> None:
    (machine.home / "precious").write_text("precious")
    laid = as_account(ATTACKER, lambda: lay(machine.temp, make))
    assert_served_from(machine, machine.private, fake_claude)
    machine.ok("daemon", "stop")
    assert snapshot(machine.temp) == laid
    assert machine.ours() == []
    assert (machine.home / "precious").read_text() == "precious"
    clear(machine)


@pytest.mark.parametrize("make", [a_folder, a_link_to_the_owners])
def test_who_holds_the_private_folder_too_gains_nothing(
    machine: SharedMachine, fake_claude: FakeClaude, make: Callable[[Path], None]
) -> None:
    def lay_all() -> list[str]:
        make(machine.private)
        return lay(machine.temp, a_file)

    laid = as_account(ATTACKER, lay_all)
    assert_served_from(machine, machine.own, fake_claude)
    machine.ok("daemon", "stop")
    assert snapshot(machine.temp) == laid
    assert not machine.own.exists()
    clear(machine)


def test_a_temp_folder_that_protects_nothing_is_not_used(
    machine: SharedMachine, fake_claude: FakeClaude
) -> None:
    """Without the sticky bit anybody could put a plugin folder of theirs in the place of ours."""
    machine.temp.chmod(0o777)
    assert_served_from(machine, machine.own, fake_claude)
    assert list(machine.temp.iterdir()) == []
    doctor = machine.run("doctor").out
    assert f"other users can replace what is in {machine.temp}" in doctor
    machine.ok("daemon", "stop")


def test_who_races_a_start_does_not_win(machine: SharedMachine, fake_claude: FakeClaude) -> None:
    """Names appear and go away while the daemon starts; none of it is written to or believed."""
    (machine.home / "precious").write_text("precious")
    kinds = [a_file, a_link_to_the_owners, a_link_to_the_attackers]
    round_ = 0

    def race() -> None:
        nonlocal round_
        round_ += 1
        for name in (*names.ALL, machine.private.name):
            path = machine.temp / name
            with suppress(OSError):
                kinds[round_ % len(kinds)](path)
            with suppress(OSError):
                path.unlink()

    for _ in range(3):
        with busy_account(ATTACKER, race):
            machine.ok("daemon", "start")
            assert "hookSpecificOutput" in machine.hook("SessionStart").json()
        folders = (machine.temp, machine.private, machine.own)
        for path in [folder / name for folder in folders for name in names.ALL]:
            if os.path.lexists(path) and path.lstat().st_uid == OWNER:
                assert not path.is_symlink()
                assert path.lstat().st_mode & 0o077 == 0
        clear(machine)
        machine.ok("daemon", "stop")
    assert (machine.home / "precious").read_text() == "precious"
    assert_served_from(machine, machine.temp, fake_claude)


def clear(machine: Sandbox) -> None:
    """Take away what the attacker laid, as an administrator would."""
    for path in machine.temp.iterdir():
        if path.lstat().st_uid == ATTACKER:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


@pytest.mark.parametrize("name", [names.BRIDGE, names.PLUGIN])
def test_who_takes_a_name_that_a_cleaner_freed_is_not_believed(
    machine: SharedMachine, fake_claude: FakeClaude, name: str
) -> None:
    """The bridge and the plugin say what Claude Code runs; they are plain, and known by name."""

    def take() -> list[str]:
        path = machine.temp / name
        if name == names.PLUGIN:
            shutil.copytree(copied, path)
        else:
            shutil.copy(copied, path)
        for one in (path, *path.rglob("*")):
            one.chmod(0o755)
        return snapshot(machine.temp)

    machine.ok("daemon", "start")
    before = machine.sealed()
    copied = machine.temp.parent / "copied"  # it may as well look just like ours
    copy = shutil.copytree if name == names.PLUGIN else shutil.copy
    copy(before.path(name), copied)
    for one in (copied, *copied.rglob("*")):
        one.chmod(0o755)
    os.kill(before.settings.pid, signal.SIGSTOP)
    try:
        clear_name(before.path(name))
        taken = as_account(ATTACKER, take)
    finally:
        os.kill(before.settings.pid, signal.SIGCONT)
    env = machine.environment(CCO_CLAUDE=str(fake_claude.path))
    result = machine.run("-p", "x", env=env)
    assert not fake_claude.starts(), fake_claude.starts()[-1].arguments
    assert result.code == 125, result
    assert f"{name} belongs to another user" in result.err, result
    assert "hookSpecificOutput" in machine.hook("SessionStart").json()  # sessions go on
    machine.ok("daemon", "restart")
    assert machine.sealed().settings.token == before.settings.token
    assert_served_from(machine, machine.private, fake_claude)
    assert snapshot(machine.temp) == taken
    machine.ok("daemon", "stop")
    clear(machine)
    assert machine.ours() == []


def clear_name(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def test_who_holds_the_lock_of_starts_keeps_nobody_from_a_restart(machine: SharedMachine) -> None:
    """A start lock is there for moments only: anybody can take its name."""
    machine.ok("daemon", "start")
    before = machine.sealed().settings
    as_account(ATTACKER, lambda: a_file(machine.temp / names.START_LOCK))
    machine.ok("daemon", "restart")
    after = machine.sealed()
    assert (after.settings.port, after.settings.token) == (before.port, before.token)
    assert after.settings.pid != before.pid
    machine.ok("daemon", "stop")
    assert machine.ours() == []
