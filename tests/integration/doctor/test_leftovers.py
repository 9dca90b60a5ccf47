"""What the dead left behind: the doctor removes it, and nothing else."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cco.sealing import names
from cco.sealing.locks import Lock
from tests.conftest import Sandbox, make_sandbox, wait_until
from tests.fake_claude import FakeClaude
from tests.integration.doctor.conftest import age, examined, fixed_twice, found


@pytest.fixture
def strangers(source_sandbox: Sandbox) -> Iterator[dict[Path, bytes]]:
    """Files of nobody's business, which must be there afterwards as they were."""
    kept = {
        source_sandbox.temp / name: name.encode()
        for name in (".cco-notes", "cco.tmp", ".cco-claude-settings-mine.txt", "x.cco-rules.tmp")
    }
    for path, data in kept.items():
        path.write_bytes(data)
        age(path)
    yield kept
    for path, data in kept.items():
        assert path.read_bytes() == data
        path.unlink()


def test_drafts_and_locks_of_the_dead_are_removed(
    source_sandbox: Sandbox, client: Path, strangers: dict[Path, bytes]
) -> None:
    old, new = (source_sandbox.temp / f"{names.RULES}.{word}.tmp" for word in ("old", "new"))
    lock = source_sandbox.temp / names.START_LOCK
    for path in (old, new, lock):
        path.touch(0o600)
    age(old)
    age(lock)
    document = examined(source_sandbox, client, "--fix")
    assert {one["id"] for one in document["fixed"]} == {"leftovers.drafts", "leftovers.start_lock"}
    assert (old.exists(), new.exists(), lock.exists()) == (False, True, False)
    new.unlink()
    assert len(strangers) == 4


def test_a_lock_that_is_held_is_left(source_sandbox: Sandbox, client: Path) -> None:
    path = source_sandbox.temp / names.START_LOCK
    with Lock(path) as lock:
        assert lock.acquire()
        age(path)
        assert examined(source_sandbox, client, "--fix")["fixed"] == []
        assert path.exists()


def test_what_a_killed_daemon_left_whole_stays(sandbox: Sandbox, client: Path) -> None:
    """The next start takes up its port, its token and its history."""
    sandbox.ok("daemon", "start")
    sandbox.kill_daemon()
    kept = sandbox.leftovers()
    document = examined(sandbox, client, "--fix")
    assert document["fixed"] == []
    assert sandbox.leftovers() == kept
    running = found(document, "daemon.running")
    assert (running["state"], running["advice"]) == ("note", "To have it away: cco daemon stop")
    assert found(document, "files.settings")["state"] == "ok"
    assert not [one for one in document["findings"] if one["id"] == "hooks.command"]


def test_files_without_their_settings_are_removed_but_the_history(
    sandbox: Sandbox, client: Path
) -> None:
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart", source="startup")
    wait_until((sandbox.temp / names.HISTORY).exists, "the history")
    sandbox.kill_daemon()
    (sandbox.temp / names.SETTINGS).unlink()
    told = fixed_twice(sandbox, client, "leftovers.orphans")
    assert told == "removed 5 files of a daemon that is gone"
    assert sandbox.leftovers() == [names.HISTORY]


def test_settings_copies_of_no_process_are_removed(source_sandbox: Sandbox, client: Path) -> None:
    source_sandbox.ok("daemon", "start")
    used, unused = (
        source_sandbox.temp / f"{names.BRIDGE_COPY_PREFIX}{word}.json" for word in ("1a", "2b")
    )
    for path in (used, unused):
        path.touch(0o600)
        age(path)
    with subprocess.Popen(
        ["cat", "-", str(used)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as session:
        (done,) = examined(source_sandbox, client, "--fix")["fixed"]
        assert done == {"id": "leftovers.bridge_copies", "done": "removed 1 settings copies"}
        assert (used.exists(), unused.exists()) == (True, False)
        assert session.stdin is not None
        session.stdin.close()
    fixed_twice(source_sandbox, client, "leftovers.bridge_copies")


def test_unpacked_copies_of_other_versions_are_removed(
    tmp_path: Path, client: Path, fake_claude: FakeClaude
) -> None:
    sandbox = make_sandbox("frozen", tmp_path)
    cache = tmp_path / "cache"
    more = {"XDG_CACHE_HOME": str(cache)}
    sandbox.run("version", env=sandbox.environment(**more))
    (mine,) = (cache / "cco").iterdir()
    unused, used = (cache / "cco" / (digit * 32) for digit in "12")
    for copy in (unused, used, cache / "cco" / "somebody else's"):
        (copy / "folder").mkdir(parents=True)
        (copy / "folder").chmod(0o500)
    fd = os.open(used, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    try:
        (done,) = examined(sandbox, client, "--fix", env=more)["fixed"]
        assert done["id"] == "leftovers.copies"
        assert {path.name for path in (cache / "cco").iterdir()} == {
            mine.name, used.name, "somebody else's"
        }  # fmt: skip
        assert examined(sandbox, client, "--fix", env=more)["fixed"] == []
    finally:
        os.close(fd)
    sandbox.close()
