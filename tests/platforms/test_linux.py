"""The portable program alone on bare systems: old and new glibc, no Python, no network."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from platforms import rootfs
from platforms.machine import Result

from cco.build_info import VERSION
from cco.sealing import names
from tests.conftest import CLAUDE, NEEDS_CLAUDE, has_ended, wait_until
from tests.platforms.conftest import program
from tests.platforms.place import CCO, HOME, PROJECT, Place, place_on

EVERYTHING = sorted({*names.SEALED, names.HISTORY, names.BRIDGE, names.PLUGIN, names.DAEMON_LOCK})
GET_HEALTH = r"""
exec 3<> /dev/tcp/127.0.0.1/PORT
printf 'GET /health HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\n\r\n' >&3
cat <&3
"""
SESSION_START = '{"session_id": "s", "source": "startup"}'


@pytest.fixture(scope="session")
def binary() -> Path:
    return program("cco-linux-x86_64")


@pytest.fixture(
    params=[(suite, known) for suite in rootfs.SUITES for known in (True, False)],
    ids=[f"{suite}-{known}" for suite in rootfs.SUITES for known in ("machine_id", "no_id")],
)
def place(request: pytest.FixtureRequest, binary: Path) -> Iterator[Place]:
    suite, machine_id = request.param
    with place_on(rootfs.make(suite), binary, machine_id=machine_id) as found:
        yield found


def test_it_runs_where_there_is_nothing(place: Place) -> None:
    assert place.machine.run("sh", "-c", "command -v python3 python").code == 127
    first, later = place.ok("version"), place.ok("version")
    assert first == later
    assert VERSION in first
    assert json.loads(place.ok("version", "--json"))["frozen"] is True
    assert place.temp_names() == []
    assert place.shell("ls -A ~").split() == [".cache", "cco", "project"]


def test_a_daemon_lives_and_leaves_nothing(place: Place) -> None:
    assert place.ok("daemon", "start").startswith("the daemon runs on port ")
    pid, line = place.only_process()
    assert line[1:4] == ["daemon", "run", "--spawned"]
    assert _parent_of(pid) == place.machine.init_pid
    assert place.temp_names() == EVERYTHING
    _assert_owner_only(place)
    status = place.status()
    answer = place.shell(GET_HEALTH.replace("PORT", str(status["port"])))
    assert answer.startswith("HTTP/1.1 200 ")
    assert json.loads(answer.splitlines()[-1])["version"] == VERSION
    assert place.ok("daemon", "stop") == "the daemon is stopped\n"
    assert place.temp_names() == []
    wait_until(lambda: not place.machine.processes(), "the end of the daemon")
    assert place.run("daemon", "status").code == 3


def _parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _assert_owner_only(place: Place) -> None:
    listed = place.shell(r"find /tmp -mindepth 1 -printf '%y %m %U\n' | sort -u")
    assert listed.splitlines() == ["d 700 1000", "f 600 1000"]


def test_the_doctor_is_content(place: Place) -> None:
    place.add_fake_claude()
    place.ok("daemon", "start")
    examined = json.loads(place.ok("doctor", "--json"))
    assert examined["healthy"] is True
    found = {finding["subject"]: finding["detail"] for finding in examined["findings"]}
    assert set(names.SEALED) <= found.keys()
    known = place.machine.path("/etc/machine-id").exists()
    assert found["machine id"].startswith("from the operating" if known else "this machine has non")
    assert found["account"] == "ada"
    place.ok("daemon", "stop")


def test_a_hook_brings_the_rules(place: Place) -> None:
    place.add_fake_claude()
    assert place.run("-p", "hi").code == 42
    environment = dict(line.split("=", 1) for line in place.noted("environ") if "=" in line)
    answer = json.loads(place.ok("hook", "SessionStart", stdin=SESSION_START, env=environment))
    assert len(answer["hookSpecificOutput"]["additionalContext"]) > 1000
    place.ok("daemon", "stop")


def test_a_launch_becomes_claude_code(place: Place) -> None:
    place.add_fake_claude()
    place.shell("mkfifo ~/gate")
    process = place.machine.start(
        CCO, "-p", "größer", "two words", user=place.user, env={"HOME": HOME}, cwd=PROJECT
    )
    pid_file = place.machine.path(f"{HOME}/pid")
    wait_until(pid_file.exists, "the start of Claude Code")
    commands = place.machine.processes().values()
    assert sorted(line[1] for line in commands) == ["/usr/local/bin/claude", "daemon"]
    place.shell("echo go on > ~/gate")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (42, "", "")
    assert place.noted("arguments")[-3:] == ["-p", "größer", "two words"]
    environment = dict(line.split("=", 1) for line in place.noted("environ") if "=" in line)
    assert environment["ORCHESTRATOR_ENABLED"] == "true"
    assert environment["ORCHESTRATOR_SETTINGS"] == "/tmp/.cco-orchestrator-settings"
    assert environment["ORCHESTRATOR_API_URL"] == f"http://localhost:{place.status()['port']}"
    assert environment["PATH"] == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert environment.keys().isdisjoint({"LD_LIBRARY_PATH", "CCO_EXECUTABLE", "CCO_COPY_LOCK"})
    targets = [line.rpartition(" -> ")[2] for line in place.noted("fds")[1:]]
    own = {"/usr/local/bin/claude", f"{HOME}/fds"}
    assert {target for target in targets if not target.startswith(("pipe:", "socket:"))} <= own
    sockets = [target for target in targets if target.startswith("socket:")]
    assert len(sockets) <= 2, "more than what keeps the daemon's port on each loopback address"
    place.ok("daemon", "stop")
    assert place.temp_names() == []


def test_a_killed_daemon_leaves_sealed_files_only(place: Place) -> None:
    place.ok("daemon", "start")
    pid = place.status()["pid"]
    place.shell(f"kill -9 {pid}")
    wait_until(lambda: not place.machine.processes(), "the end of the daemon")
    assert set(place.temp_names()) <= set(EVERYTHING)
    assert place.shell("ls -A ~/.cache ~/.cache/cco").split().count("cco") == 1
    assert place.run("daemon", "stop").code in (0, 3)
    assert place.temp_names() == []


@pytest.mark.parametrize("home", [None, "/"])
def test_an_account_without_a_name_works(place: Place, home: str | None) -> None:
    """As in a container that was given a bare uid: no account, and no home folder of its own."""
    folder = "/srv/project"
    place.machine.ok("sh", "-c", f"mkdir -p {folder} && chown 4321 {folder} && chmod 755 {HOME}")
    env = {} if home is None else {"HOME": home}

    def run(*arguments: str) -> Result:
        return place.machine.run(CCO, *arguments, user="4321:4321", env=env, cwd=folder)

    assert VERSION in run("version").out
    started = run("daemon", "start")
    if place.machine.path("/etc/machine-id").exists():
        assert started.code == 0, started
        assert run("daemon", "stop").code == 0
    else:  # nowhere to keep a random one
        assert started.code == 7, started
        assert "this machine has no id" in started.err
        assert "defect" not in started.err
    assert place.temp_names() == []


@pytest.mark.skipif(CLAUDE is None, reason=NEEDS_CLAUDE)
def test_the_real_client_is_orchestrated(binary: Path, bookworm: Path) -> None:
    assert CLAUDE is not None
    with place_on(bookworm, binary, machine_id=False) as place:
        path = place.machine.path("/usr/local/bin/claude")
        shutil.copyfile(CLAUDE, path)
        path.chmod(0o755)
        result = place.run("demo")
        assert result.code == 0, result
        assert os.fspath(path) not in result.out
        assert place.temp_names() == []
        wait_until(lambda: not place.machine.processes(), "the end of everything")


def test_the_end_of_a_machine_ends_its_daemon(binary: Path, bookworm: Path) -> None:
    with place_on(bookworm, binary, machine_id=True) as place:
        place.ok("daemon", "start")
        pid, _ = place.only_process()
    assert has_ended(pid)
