"""The daemon's life from outside: start, stop, restart, and whatever ends it."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from cco.daemon import supervisor
from cco.daemon.client import Connection
from cco.sealing import names
from tests.conftest import Sandbox, has_ended, wait_until

SEALED = set(names.SEALED)
EVERYTHING = sorted({*names.SEALED, names.HISTORY, names.BRIDGE, names.PLUGIN, names.DAEMON_LOCK})


def running_pid(sandbox: Sandbox) -> int:
    pid = json.loads(sandbox.ok("daemon", "status", "--json"))["pid"]
    assert isinstance(pid, int)
    return pid


def contents(sandbox: Sandbox) -> dict[str, bytes]:
    return {name: (sandbox.temp / name).read_bytes() for name in names.SEALED}


def nothing_is_left(sandbox: Sandbox) -> bool:
    return not list(sandbox.temp.iterdir())


def test_a_start_makes_owner_only_files_and_a_stop_removes_them(sandbox: Sandbox) -> None:
    assert sandbox.ok("daemon", "start").startswith("the daemon runs on port ")
    assert sandbox.leftovers() == EVERYTHING
    for path in sandbox.temp.rglob("*"):
        status = path.lstat()
        expected = 0o700 if stat.S_ISDIR(status.st_mode) else 0o600
        assert stat.S_IMODE(status.st_mode) == expected, path
        assert status.st_uid == os.geteuid()
    pid = running_pid(sandbox)
    assert [process.pid for process in sandbox.daemon_processes()] == [pid]
    assert sandbox.ok("daemon", "stop") == "the daemon is stopped\n"
    assert nothing_is_left(sandbox)
    assert has_ended(pid)
    assert sandbox.run("daemon", "status").code == 3


def by_signal(name: str) -> Callable[[Sandbox, int], None]:
    return lambda sandbox, pid: os.kill(pid, getattr(signal, name))


def by_request(sandbox: Sandbox, pid: int) -> None:
    assert sandbox.request("POST", "/api/v1/shutdown", {}).status == 202


@pytest.mark.parametrize(
    "end",
    [by_signal("SIGTERM"), by_signal("SIGINT"), by_signal("SIGHUP"), by_request],
    ids=["SIGTERM", "SIGINT", "SIGHUP", "request"],
)
def test_every_orderly_end_cleans_up(sandbox: Sandbox, end: Callable[[Sandbox, int], None]) -> None:
    sandbox.ok("daemon", "start")
    pid = sandbox.sealed().settings.pid
    end(sandbox, pid)
    wait_until(lambda: has_ended(pid), "the daemon's end")
    assert nothing_is_left(sandbox)
    assert sandbox.daemon_processes() == []


def test_an_end_is_orderly_while_a_client_keeps_its_connection(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    settings = sandbox.sealed().settings
    with socket.create_connection(("127.0.0.1", settings.port)) as idle:
        idle.sendall(b"POST /hooks/Stop HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        sandbox.ok("daemon", "stop")
    assert has_ended(settings.pid)


def test_after_a_kill_the_next_start_takes_over(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    before, old_files = sandbox.sealed().settings, contents(sandbox)
    sandbox.kill_daemon()
    status = sandbox.run("daemon", "status")
    assert status.code == 3
    assert "ended without cleaning up" in status.err
    sandbox.ok("daemon", "start")
    after, new_files = sandbox.sealed().settings, contents(sandbox)
    assert (after.port, after.token) == (before.port, before.token)
    assert after.instance != before.instance
    assert all(new_files[name] != old_files[name] for name in names.SEALED)
    for name in names.MEMBERS:
        assert sandbox.sealed().open_member(name)["instance"] == after.instance


def test_a_stop_after_a_kill_removes_what_was_left(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    (sandbox.temp / f"{names.BRIDGE_COPY_PREFIX}0123abcd.json").write_text("{}")
    (sandbox.temp / f"{names.RULES}.0123abcd{names.DRAFT_SUFFIX}").write_text("half")
    sandbox.kill_daemon()
    assert "was not running; removed" in sandbox.ok("daemon", "stop")
    assert nothing_is_left(sandbox)
    assert sandbox.ok("daemon", "stop") == "the daemon was not running\n"


@pytest.mark.parametrize("lock", [names.START_LOCK, names.DAEMON_LOCK])
def test_a_stop_removes_a_lock_that_nobody_holds(source_sandbox: Sandbox, lock: str) -> None:
    (source_sandbox.temp / lock).touch(0o600)
    source_sandbox.ok("daemon", "stop")
    assert nothing_is_left(source_sandbox)


def test_a_restart_keeps_port_and_token(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    before = sandbox.sealed().settings
    sandbox.ok("daemon", "restart")
    after = sandbox.sealed().settings
    assert (after.port, after.token) == (before.port, before.token)
    assert after.instance != before.instance
    assert after.pid != before.pid
    assert has_ended(before.pid)
    assert sandbox.leftovers() == EVERYTHING


def test_a_restart_starts_a_daemon_that_did_not_run(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "restart")
    assert running_pid(source_sandbox)


def test_a_stop_ends_the_token(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    before = source_sandbox.sealed().settings
    source_sandbox.ok("daemon", "stop")
    source_sandbox.ok("daemon", "start")
    after = source_sandbox.sealed().settings
    assert after.token != before.token
    assert len(after.token) == 43
    assert after.instance != before.instance


def test_a_second_start_changes_nothing(sandbox: Sandbox) -> None:
    first = sandbox.ok("daemon", "start")
    files = contents(sandbox)
    assert sandbox.ok("daemon", "start") == first
    assert contents(sandbox) == files


def test_the_status_says_where_it_runs(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    settings = sandbox.sealed().settings
    status = json.loads(sandbox.ok("daemon", "status", "--json"))
    assert status["status"] == "running"
    assert (status["port"], status["pid"]) == (settings.port, settings.pid)
    assert status["api_url"] == f"http://localhost:{settings.port}"
    assert status["instance"] == settings.instance
    assert status["folder"] == str(sandbox.temp)
    assert {Path(path).name for path in status["files"]} == SEALED
    assert Path(status["log"]).is_file()
    assert settings.token not in json.dumps(status)
    text = sandbox.ok("daemon", "status")
    assert str(settings.port) in text
    assert str(settings.pid) in text
    assert settings.token not in text


def test_in_the_foreground_it_serves_until_interrupted(sandbox: Sandbox) -> None:
    process = sandbox.start("daemon", "run")
    try:
        wait_until(lambda: sandbox.run("daemon", "status").code == 0, "the daemon's start")
        settings = sandbox.sealed().settings
        assert settings.pid == process.pid
        second = sandbox.run("daemon", "run")
        assert second.code == 5
        assert "already runs" in second.err
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert out == b""
    assert f"serving on port {settings.port}" in err.decode()
    assert "Traceback" not in err.decode()
    assert nothing_is_left(sandbox)


def test_in_the_foreground_it_replaces_a_damaged_leftover(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    damaged = sandbox.temp / names.SETTINGS
    damaged.write_bytes(b"x" * 100)
    damaged.chmod(0o600)
    process = sandbox.start("daemon", "run")
    try:
        wait_until(
            lambda: process.poll() is not None or sandbox.run("daemon", "status").code == 0,
            "the daemon's start",
        )
        assert process.poll() is None, process.communicate()
        sandbox.ok("daemon", "stop")
        process.communicate()
    finally:
        process.kill()
        process.communicate()


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(bytes(data))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:10])


def open_to_others(path: Path) -> None:
    path.chmod(0o644)


def replace_by_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("tamper", [damage, truncate, open_to_others, replace_by_link, Path.unlink])
def test_tampered_settings_do_not_keep_the_daemon_from_being_stopped(
    source_sandbox: Sandbox, tamper: Callable[[Path], None]
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    pid = sandbox.sealed().settings.pid
    tamper(sandbox.temp / names.SETTINGS)
    status = sandbox.run("daemon", "status")
    assert status.code == (3 if tamper is Path.unlink else 6)
    assert status.err.startswith("cco: error: ")
    assert sandbox.ok("daemon", "stop") == "the daemon is stopped\n"
    assert has_ended(pid)
    assert sandbox.leftovers() == []


@pytest.mark.parametrize("command", ["stop", "restart"])
def test_a_temp_folder_opened_to_others_does_not_keep_the_daemon(
    source_sandbox: Sandbox, command: str
) -> None:
    """As after a chmod -R: no file is believed, and its process is found all the same."""
    source_sandbox.ok("daemon", "start")
    pid = source_sandbox.sealed().settings.pid
    for path in source_sandbox.temp.iterdir():
        path.chmod(0o755 if path.is_dir() else 0o644)
    source_sandbox.ok("daemon", command)
    assert has_ended(pid)
    assert (source_sandbox.leftovers() == []) == (command == "stop")


def test_tampered_settings_of_a_dead_daemon_are_replaced(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    before = sandbox.sealed().settings
    sandbox.kill_daemon()
    damage(sandbox.temp / names.SETTINGS)
    sandbox.ok("daemon", "start")
    assert sandbox.sealed().settings.token != before.token


def test_several_stops_at_once_all_succeed(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    stops = [source_sandbox.start("daemon", "stop") for _ in range(4)]
    outcomes = [(stop.communicate()[1], stop.returncode) for stop in stops]
    assert outcomes == [(b"", 0)] * 4
    assert nothing_is_left(source_sandbox)


def test_a_suspended_daemon_is_ended_all_the_same(
    source_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that hangs cannot clean up; whoever stops it does, once its patience is over."""
    source_sandbox.ok("daemon", "start")
    process = psutil.Process(source_sandbox.sealed().settings.pid)
    for name, value in source_sandbox.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(supervisor, "STOP_TIMEOUT_S", 0.2)
    defaults = Connection.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "timeout_s", 0.2)
    process.suspend()
    try:
        assert supervisor.stop().was_running
    finally:
        if process.is_running():
            process.resume()
    assert has_ended(process.pid)
    assert nothing_is_left(source_sandbox)
