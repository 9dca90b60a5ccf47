"""The daemon's own care for its files, with a clock that the tests set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cco.claude.plugin import mcp_server, write_plugin
from cco.daemon.launch_copies import SILENT_S, YOUNG_S
from cco.daemon.upkeep import SILENCE_S, TOUCH_S, Upkeep
from cco.errors import SealedFileChanged
from cco.ledger.records import Session
from cco.sealing import names
from cco.sealing.keys import Identity
from cco.sealing.locks import Lock, is_held
from cco.sealing.private_files import write_private
from cco.sealing.sealed_set import SealedSet, write_set
from tests.conftest import wait_until

IDENTITY = Identity("a machine", "ana", b"a build secret of 32 bytes or more")
ROSTER = [{"name": "debugger", "description": "d", "model": "opus", "tools": ["Read"]}]
AGENT = {**ROSTER[0], "keywords": [], "brief": "Look."}
OLD_S = 20 * 86_400


class Run:
    """The files of a run, and who looks after them."""

    def __init__(self, folder: Path) -> None:
        self.now = 1_000.0
        self.sessions = [Session("s")]
        self.stopped: list[dict[str, Any]] = []
        self.lock = Lock(folder / names.DAEMON_LOCK)
        assert self.lock.acquire()
        self.lock.write_pid()
        write_plugin(folder / names.PLUGIN, ROSTER, "1", server=mcp_server("t"), port=3000)
        write_private(folder / names.BRIDGE, b"{}")
        self.sealed: SealedSet = write_set(
            folder,
            IDENTITY,
            {
                "api_url": "http://localhost:3000",
                "port": 3000,
                "pid": os.getpid(),
                "token": "t",
                "version": "1",
                "created_at": "",
                "roster": ROSTER,
                "policy": {},
            },
            {
                names.AGENTS: {"agents": [AGENT]},
                names.RULES: {"rules": "rules"},
                names.HOOKS: {"pre_compact": "", "post_compact": ""},
            },
        )
        self.upkeep = Upkeep(
            self.sealed,
            self.lock,
            lambda **more: self.stopped.append(more),
            lambda: self.sessions,
            lambda: self.now,
        )

    def files(self) -> list[Path]:
        return [path for path in self.sealed.folder.rglob("*") if path.is_file()]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_nothing_gets_old(run: Run) -> None:
    copy = run.sealed.path(f"{names.BRIDGE_COPY_PREFIX}0123.json")
    write_private(copy, b"{}")
    run.sessions = [Session("s", launch_id="0123", last_seen_at=time.time())]
    then = time.time() - OLD_S
    for path in run.files():
        os.utime(path, (then, then))
    run.now += TOUCH_S - 1
    run.upkeep.check()
    assert {int(path.stat().st_atime) for path in run.files()} == {int(then)}
    run.now += 1
    run.upkeep.check()
    for path in run.files():
        assert path.stat().st_atime > then + OLD_S - 60, path
        assert path.stat().st_mtime == pytest.approx(then), path  # no reader sees a change
    assert copy in run.files()


@pytest.mark.parametrize("left_by", ["a killed launch", "a killed client", "one that ended"])
def test_the_copy_of_a_launch_that_is_gone_goes(run: Run, left_by: str) -> None:
    old = time.time() - SILENT_S - 60
    ended_at = time.time() if left_by == "one that ended" else None
    if left_by != "a killed launch":
        run.sessions.append(Session("t", launch_id="0123", last_seen_at=old, ended_at=ended_at))
    copy = run.sealed.path(f"{names.BRIDGE_COPY_PREFIX}0123.json")
    write_private(copy, b"{}")
    os.utime(copy, (old, old))
    run.now += TOUCH_S
    run.upkeep.check()
    assert not copy.exists()
    assert run.sealed.path(names.BRIDGE).exists()


@pytest.mark.parametrize("kept_by", ["its youth", "its session", "its process"])
def test_the_copy_of_a_launch_that_lives_stays(run: Run, kept_by: str) -> None:
    copy = run.sealed.path(f"{names.BRIDGE_COPY_PREFIX}0123.json")
    write_private(copy, b"{}")
    old = time.time() - 2 * YOUNG_S
    process = None
    if kept_by != "its youth":
        os.utime(copy, (old, old))
    if kept_by == "its session":
        run.sessions.append(Session("t", launch_id="0123", last_seen_at=old))
    if kept_by == "its process":
        waiting = [sys.executable, "-c", "input()", "--settings", str(copy)]
        process = subprocess.Popen(waiting, stdin=subprocess.PIPE)
    try:
        run.now += TOUCH_S
        run.upkeep.check()
        assert copy.exists()
    finally:
        if process is not None:
            process.kill()
            process.communicate()


def test_a_link_in_the_place_of_a_file_is_not_followed(run: Run, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.touch()
    os.utime(victim, (0, 0))
    run.sealed.path(names.RULES).unlink()
    run.sealed.path(names.RULES).symlink_to(victim)
    run.now += TOUCH_S
    run.upkeep.check()
    assert victim.stat().st_atime == 0
    assert run.sealed.path(names.RULES).is_symlink()  # whoever reads it refuses it


@pytest.mark.skipif(shutil.which("systemd-tmpfiles") is None, reason="needs systemd-tmpfiles")
@pytest.mark.parametrize("kept", [True, False])
def test_the_systems_own_cleaner(run: Run, tmp_path: Path, *, kept: bool) -> None:
    """With an age of a second instead of ten days; without upkeep it takes everything."""
    before = set(run.files())
    newest = max(*(path.stat().st_ctime for path in before), time.time())
    wait_until(lambda: time.time() > newest + 1.2, "the files to be old")
    if kept:
        run.now += TOUCH_S
        run.upkeep.check()
    rules = tmp_path.parent / "clean.conf"
    rules.write_text(f"d {tmp_path} - - - 1s\n")
    subprocess.run(["systemd-tmpfiles", "--clean", rules], check=True)
    assert (set(run.files()) == before) == kept
    run.upkeep.check()
    assert set(run.files()) == before


def test_the_same_bytes_come_back(run: Run) -> None:
    before = {path: path.read_bytes() for path in run.files()}
    for path in sorted(run.sealed.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run.upkeep.check()
    after = {path: path.read_bytes() for path in run.files()}
    assert after == before
    assert is_held(run.lock.path)
    assert {path.stat().st_mode & 0o777 for path in after} == {0o600}


def test_what_is_gone_is_there_at_its_next_use(run: Run) -> None:
    run.sealed.path(names.RULES).unlink()
    assert run.upkeep.open_member(names.RULES)["rules"] == "rules"
    assert run.sealed.path(names.RULES).exists()


def test_what_was_changed_stays_refused(run: Run) -> None:
    path = run.sealed.path(names.RULES)
    path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:])
    run.upkeep.check()
    with pytest.raises(SealedFileChanged):
        run.upkeep.open_member(names.RULES)


def a_stub(plugin: Path) -> None:
    (plugin / "agents" / "debugger.md").unlink()


def the_manifest(plugin: Path) -> None:
    (plugin / ".claude-plugin" / "plugin.json").unlink()


@pytest.mark.parametrize("remove", [a_stub, the_manifest, shutil.rmtree])
def test_the_plugin_folder_is_whole_again(run: Run, remove: Callable[[Path], None]) -> None:
    before = set(run.files())
    remove(run.sealed.path(names.PLUGIN))
    run.upkeep.check()
    assert set(run.files()) == before


def test_a_daemon_whose_place_is_taken_ends_and_leaves_the_files(run: Run) -> None:
    run.lock.path.unlink()
    with Lock(run.lock.path) as other:
        assert other.acquire()
        run.sealed.path(names.RULES).unlink()
        run.upkeep.check()
        assert run.stopped == [{"handover": True}]
        assert run.upkeep.superseded
        assert not run.sealed.path(names.RULES).exists()  # that is the other's now
        run.lock.release()
        assert is_held(run.lock.path)


def test_without_its_folder_it_goes_on_for_its_sessions(run: Run) -> None:
    shutil.rmtree(run.sealed.folder)
    run.now += SILENCE_S
    run.upkeep.check()
    assert run.stopped == []
    run.upkeep.heard("Stop", Session("s"), {})
    run.now += SILENCE_S
    run.upkeep.check()
    assert run.stopped == []
    run.now += 1
    run.upkeep.check()
    assert run.stopped == [{}]


def test_without_its_folder_and_sessions_it_ends(run: Run) -> None:
    run.sessions = []
    shutil.rmtree(run.sealed.folder)
    run.upkeep.check()
    assert run.stopped == [{}]
