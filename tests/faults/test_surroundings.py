"""Odd surroundings: streams, masks, locales, time zones, PATH, a folder that is gone."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from cco.daemon.telemetry.scrape_files import TARGETS, TOKEN
from cco.sealing import names
from tests.conftest import Result, Sandbox, has_ended, wait_until
from tests.fake_claude import FakeClaude
from tests.in_shell import in_shell
from tests.integration.test_daemon_lifecycle import EVERYTHING

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell sets the scene")


def assert_whole(sandbox: Sandbox) -> None:
    """A daemon runs, with all its files, each its owner's alone."""
    assert sandbox.leftovers() == EVERYTHING
    for path in sandbox.temp.rglob("*"):
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
    for name in names.MEMBERS:
        sandbox.sealed().open_member(name)


@pytest.mark.parametrize("redirection", ["<&-", "<&- >&-", "<&- >&- 2>&-"], ids=lambda text: text)
def test_streams_that_are_closed(
    sandbox: Sandbox, fake_claude: FakeClaude, redirection: str
) -> None:
    """Whatever gets their numbers, no file of the daemon's is taken for a stream."""
    more = {"CCO_CLAUDE": str(fake_claude.path)}
    launch = in_shell(sandbox, f'"$@" {redirection}', "-p", "x", **more)
    assert launch == Result(0, "", "")
    closed = {0: "<&-", 1: ">&-", 2: "2>&-"}
    start = fake_claude.only_start()
    for fd, text in closed.items():
        if fd != 1 and text in redirection.split():  # ls has the stand-in's own 1
            assert start.fds.get(fd, "/dev/null") == "/dev/null"
    assert str(sandbox.temp) not in str(start.fds)
    assert_whole(sandbox)
    pid = sandbox.sealed().settings.pid
    if sys.platform.startswith("linux"):
        for fd in (0, 1, 2):
            assert os.readlink(f"/proc/{pid}/fd/{fd}") == "/dev/null"
    assert in_shell(sandbox, f'"$@" {redirection}', "daemon", "stop").code == 0
    assert list(sandbox.temp.iterdir()) == []


@pytest.mark.parametrize("umask", ["000", "777"])
def test_any_umask(source_sandbox: Sandbox, fake_claude: FakeClaude, umask: str) -> None:
    sandbox = source_sandbox
    more = {"CCO_CLAUDE": str(fake_claude.path)}
    launch = in_shell(sandbox, f'umask {umask} && "$@"', "--budget", "5", "-p", "x", **more)
    assert launch == Result(0, "", "")
    (copy,) = sandbox.temp.glob(f"{names.BRIDGE_COPY_PREFIX}*")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    copy.unlink()
    assert_whole(sandbox)
    for path in (sandbox.state, *sandbox.state.iterdir()):
        assert not path.stat().st_mode & 0o077


@pytest.mark.parametrize(
    "surroundings",
    [
        {"LC_ALL": "C", "TZ": "Nowhere/Nothing"},
        {"LANG": "xx_YY.nonsense", "LC_ALL": "xx_YY.nonsense"},
        {"PYTHONIOENCODING": "ascii", "PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere"},
        {"PATH": ""},
    ],
    ids=" ".join,
)
def test_odd_variables(
    sandbox: Sandbox, fake_claude: FakeClaude, surroundings: dict[str, str]
) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path), **surroundings)
    assert sandbox.run("daemon", "start", env=env).code == 0
    launch = sandbox.run("--version", env=env)
    assert launch.code == 0, launch
    project = sandbox.root / "größe ünd ñ"
    project.mkdir(exist_ok=True)
    if surroundings.get("PATH") is None:  # the stand-in itself needs one
        assert sandbox.run("-p", "x", env=env, cwd=project).code == 0
    assert_whole(sandbox)
    sandbox.ok("daemon", "status")  # found from other surroundings
    assert sandbox.run("sessions", env=env).code == 0
    assert sandbox.run("daemon", "stop", env=env).code == 0


def test_a_time_zone_that_changes_changes_no_time(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start", env=sandbox.environment(TZ="Pacific/Kiritimati"))
    sandbox.hook("SessionStart", source="startup", cwd="/project")
    before = sandbox.request("GET", "/api/v1/sessions/s").json()
    sandbox.ok("daemon", "restart", env=sandbox.environment(TZ="Pacific/Pago_Pago"))
    assert sandbox.request("GET", "/api/v1/sessions/s").json() == before
    assert sandbox.request("GET", "/api/v1/budget").status == 200


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("daemon", "start"), 0),
        (("daemon", "status"), 0),
        (("sessions",), 0),
        (("usage",), 0),
        (("top", "--once"), 0),
        (("doctor",), 1),
        (("notes",), 2),
        (("-p", "x"), 125),
        (("mcp", "list"), 0),
        (("daemon", "stop"), 0),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else None,
)
def test_a_current_folder_that_is_gone(
    source_sandbox: Sandbox, fake_claude: FakeClaude, arguments: tuple[str, ...], code: int
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    result = in_shell(sandbox, script, *arguments, CCO_CLAUDE=str(fake_claude.path))
    assert result.code == code, result
    assert "Traceback" not in result.err
    assert "defect of cco" not in result.err
    if code in (2, 125):
        first, advice = result.err.splitlines()
        assert "current folder cannot be used" in first
        assert advice


def test_another_tmpdir_is_said_to_be_another_place(source_sandbox: Sandbox) -> None:
    """A shell with another TMPDIR has a daemon of its own; a session's commands find the one of
    the session."""
    sandbox = source_sandbox
    folder = sandbox.root / "another"
    folder.mkdir()
    sandbox.ok("daemon", "start")
    assert sandbox.run("daemon", "status", env=sandbox.environment(TMPDIR=str(folder))).code == 3
    env = sandbox.session_environment(TMPDIR=str(folder))
    hook = sandbox.run("hook", "SessionStart", stdin=b'{"session_id": "s"}', env=env)
    assert "additionalContext" in hook.out
    assert list(folder.iterdir()) == []


def test_a_killed_daemons_token_for_prometheus_goes_with_the_next_stop(sandbox: Sandbox) -> None:
    folder = sandbox.root / "prometheus"
    config = sandbox.home / ".config" / "cco" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f"metrics = {{ folder = {json.dumps(str(folder))} }}\n")
    sandbox.ok("daemon", "start")
    pid = sandbox.sealed().settings.pid
    assert {path.name for path in folder.iterdir()} == {TOKEN, TARGETS}
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: has_ended(pid), "the daemon's end")
    sandbox.ok("daemon", "stop")
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="only root leaves networks"
)
def test_without_a_loopback_network_it_is_said_and_nothing_stays(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    sandbox = source_sandbox
    for arguments, code in ((("daemon", "start"), 5), (("-p", "x"), 125)):
        more = {"CCO_CLAUDE": str(fake_claude.path)}
        result = in_shell(sandbox, 'exec unshare -n "$@"', *arguments, **more)
        assert result.code == code, result
        assert "nothing reached it at 127.0.0.1" in result.err
        assert sandbox.processes() == []
        assert list(sandbox.temp.iterdir()) == []


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="only root leaves namespaces"
)
def test_process_ids_of_another_namespace_are_nobodys(source_sandbox: Sandbox) -> None:
    """A /proc that shows other processes under the ids of ours, as in a half-made container."""
    start = 'exec unshare --pid --fork sh -c \'"$@" && exec "$0" -I -m cco daemon stop\' '
    result = in_shell(source_sandbox, f'{start} "$1" "$@"', "daemon", "start")
    assert result.code == 0, result
    assert list(source_sandbox.temp.iterdir()) == []


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes as Linux does")
def test_signals_that_come_together_are_one_end(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    pid = sandbox.sealed().settings.pid
    for _ in range(3):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            if not has_ended(pid):
                os.kill(pid, number)
    wait_until(lambda: has_ended(pid), "the daemon's end")
    assert list(sandbox.temp.iterdir()) == []
    log = sandbox.log_file
    assert log.read_text().count("all files are removed") == 1
    assert "Traceback" not in log.read_text()


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() != 0, reason="only root mounts"
)
def test_a_system_without_its_devices_is_told(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    """As in a bare chroot: no start, no restart, and everything else as ever."""
    alone = "mount --make-rprivate / && mount -t tmpfs none /dev"
    bare = f"exec unshare -m sh -c '{alone} && exec \"$@\"'"
    more = {"CCO_CLAUDE": str(fake_claude.path)}
    for arguments, code in ((("daemon", "start"), 71), (("-p", "x"), 125)):
        result = in_shell(sandbox, f'{bare} sh "$@"', *arguments, **more)
        assert result.code == code, result
        first, advice = result.err.splitlines()
        assert first == "cco: error: /dev/null cannot be used: No such file or directory"
        assert "mount /dev" in advice
    assert list(sandbox.temp.iterdir()) == []
    sandbox.ok("daemon", "start")
    assert in_shell(sandbox, f'{bare} sh "$@"', "-p", "x", **more).code == 0
    assert in_shell(sandbox, f'{bare} sh "$@"', "daemon", "stop", **more).code == 0
