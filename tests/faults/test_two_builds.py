"""An upgrade under running sessions, and two builds of cco beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from cco.build_info import DEVELOPMENT_SECRET, VERSION
from cco.sealing import names
from tests.conftest import Sandbox
from tests.fake_claude import FakeClaude
from tests.faults.conftest import another_build

ANOTHER_SECRET = bytes(range(32))


@pytest.fixture
def upgraded(source_sandbox: Sandbox, tmp_path: Path) -> Sandbox:
    """A later version, with the build secret of all releases."""
    return another_build(source_sandbox, tmp_path, version="99.0.0", secret=DEVELOPMENT_SECRET)


@pytest.fixture
def stranger(source_sandbox: Sandbox, tmp_path: Path) -> Sandbox:
    """A build with another secret: a checkout beside a release, or somebody's own build."""
    return another_build(source_sandbox, tmp_path, version=VERSION, secret=ANOTHER_SECRET)


def test_a_later_version_uses_the_daemon_and_says_so(
    source_sandbox: Sandbox, upgraded: Sandbox, fake_claude: FakeClaude
) -> None:
    source_sandbox.ok("daemon", "start")
    before = source_sandbox.sealed().settings
    env = source_sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    launch = upgraded.run("-p", "x", env=env)
    assert launch.code == 0
    assert launch.err == (
        f"cco: the daemon is of cco {VERSION}, and this is 99.0.0; cco daemon restart takes it up\n"
    )
    assert fake_claude.only_start().environ["CCO_TOKEN"] == before.token
    assert source_sandbox.run("-p", "x", env=env).err == ""


def test_a_restart_after_an_upgrade_keeps_the_sessions(
    source_sandbox: Sandbox, upgraded: Sandbox
) -> None:
    source_sandbox.ok("daemon", "start")
    source_sandbox.hook("SessionStart", source="startup", cwd="/project")
    before = source_sandbox.sealed().settings
    upgraded.ok("daemon", "restart")
    after = source_sandbox.sealed().settings
    assert (after.version, before.version) == ("99.0.0", VERSION)
    assert (after.port, after.token) == (before.port, before.token)
    assert source_sandbox.request("GET", "/api/v1/sessions/s").json()["project"] == "/project"
    source_sandbox.ok("daemon", "restart")  # and back again
    assert source_sandbox.sealed().settings.token == before.token
    assert source_sandbox.request("GET", "/api/v1/sessions/s").status == 200


def test_another_build_takes_nothing_away(
    source_sandbox: Sandbox, stranger: Sandbox, fake_claude: FakeClaude
) -> None:
    source_sandbox.ok("daemon", "start")
    before = source_sandbox.sealed().settings
    env = source_sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    for arguments, code in ((("daemon", "start"), 5), (("-p", "x"), 125)):
        result = stranger.run(*arguments, env=env)
        assert result.code == code, result
        assert (
            f"another build of cco runs in {source_sandbox.temp} (pid {before.pid})" in result.err
        )
        assert "TMPDIR" in result.err
    assert stranger.run("daemon", "status").code == 6
    assert source_sandbox.sealed().settings == before
    assert [one.pid for one in source_sandbox.daemon_processes()] == [before.pid]


def test_another_build_has_a_temp_folder_of_its_own(
    source_sandbox: Sandbox, stranger: Sandbox
) -> None:
    source_sandbox.ok("daemon", "start")
    folder = source_sandbox.root / "another"
    folder.mkdir()
    env = source_sandbox.environment(TMPDIR=str(folder))
    assert stranger.run("daemon", "start", env=env).code == 0
    try:
        assert stranger.run("daemon", "status", env=env).code == 0
        source_sandbox.ok("daemon", "status")
    finally:
        assert stranger.run("daemon", "stop", env=env).code == 0
    assert list(folder.iterdir()) == []
    source_sandbox.ok("daemon", "status")


def test_another_build_can_end_it_if_told_to(source_sandbox: Sandbox, stranger: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    before = source_sandbox.sealed().settings
    stranger.ok("daemon", "restart")
    (daemon,) = source_sandbox.daemon_processes()
    assert daemon.pid != before.pid
    assert source_sandbox.run("daemon", "status").code == 6
    stranger.ok("daemon", "stop")
    assert list(source_sandbox.temp.iterdir()) == []


def test_what_a_killed_daemon_of_another_build_left_is_replaced(
    source_sandbox: Sandbox, stranger: Sandbox
) -> None:
    stranger.ok("daemon", "start")
    (daemon,) = source_sandbox.daemon_processes()
    daemon.kill()
    daemon.wait(60)
    source_sandbox.ok("daemon", "start")
    for name in names.MEMBERS:
        source_sandbox.sealed().open_member(name)
    source_sandbox.ok("daemon", "stop")
    assert list(source_sandbox.temp.iterdir()) == []
