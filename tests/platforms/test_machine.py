"""The machines in small that the other tests here run in: apart from this one, and gone after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from platforms.errors import PlatformError
from platforms.machine import PATH, Bind, Machine

from tests.conftest import has_ended, wait_until

ROOT = Path(__file__).parent.parent.parent
HOLD_A_MACHINE = """
import sys
from pathlib import Path
from platforms.machine import Machine

with Machine(Path(sys.argv[1])) as machine:
    machine.start("sleep", "1000")
    print(machine.init_pid, flush=True)
    sys.stdin.read()
"""


def mounts() -> list[str]:
    return Path("/proc/self/mounts").read_text().splitlines()


def test_there_is_no_python_and_no_network(bookworm: Path) -> None:
    with Machine(bookworm) as machine:
        assert machine.run("python3").code == 127
        interfaces = machine.ok("ls", "/proc/sys/net/ipv4/conf").split()
        assert "lo" in interfaces
        assert set(interfaces) <= {"all", "default", "lo", "tunl0", "sit0"}
        script = "(exec 3<>/dev/tcp/127.0.0.1/9) 2>&1"
        assert "Connection refused" in machine.run("bash", "-c", script).out


def test_what_is_changed_is_gone_with_the_machine(bookworm: Path) -> None:
    with Machine(bookworm) as machine:
        machine.ok(
            "sh", "-c", "echo mine > /etc/mine; echo mine > /tmp/mine; rm /etc/debian_version"
        )
        assert machine.path("/etc/mine").read_text() == "mine\n"
    with Machine(bookworm) as machine:
        listed = machine.run("ls", "/etc/mine", "/tmp/mine", "/etc/debian_version")
        assert listed.out == "/etc/debian_version\n"
    assert not (bookworm / "etc" / "mine").exists()


def test_a_user_is_an_ordinary_one(bookworm: Path) -> None:
    with Machine(bookworm) as machine:
        ada = machine.add_user("ada")
        assert machine.ok("id", user=ada) == "uid=1000(ada) gid=1000(ada) groups=1000(ada)\n"
        assert machine.ok("pwd", user=ada, cwd="/home/ada") == "/home/ada\n"
        assert machine.run("touch", "/etc/mine", user=ada).code != 0
        environment = machine.ok("env", user=ada, env={"A": "b"}).split()
        assert set(environment) == {"A=b", "LC_ALL=C.UTF-8", f"PATH={PATH}"}


def test_binds_show_what_is_outside(bookworm: Path, tmp_path: Path) -> None:
    for name in ("kept", "shared"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    binds = [Bind(tmp_path / "kept", "/kept"), Bind(tmp_path / "shared", "/a/b", writable=True)]
    with Machine(bookworm, binds=binds) as machine:
        assert machine.ok("cat", "/kept/file", "/a/b/file") == "keptshared"
        assert "Read-only" in machine.run("touch", "/kept/new").err
        machine.ok("sh", "-c", "echo changed > /a/b/file")
    assert (tmp_path / "shared" / "file").read_text() == "changed\n"
    assert (tmp_path / "kept" / "file").read_text() == "kept"


def test_nothing_stays_behind(bookworm: Path) -> None:
    before = mounts()
    with Machine(bookworm) as machine:
        machine.ok("sh", "-c", "setsid sleep 1000 > /dev/null 2>&1 &")
        sleeping = [["sleep", "1000"]]
        wait_until(lambda: list(machine.processes().values()) == sleeping, "the sleeper")
        (pid,) = machine.processes()
        inside = machine.path("/")
        assert mounts() == before
    assert has_ended(pid)
    assert not inside.exists()
    assert mounts() == before


def test_orphans_are_taken_in(bookworm: Path) -> None:
    with Machine(bookworm) as machine:
        machine.ok("sh", "-c", "setsid true > /dev/null 2>&1 &")
        children = f"/proc/{machine.init_pid}/task/{machine.init_pid}/children"
        wait_until(lambda: not Path(children).read_text(), "the end of an orphan")


@pytest.mark.parametrize("victim", ["the one who asked for it", "the machine itself"])
def test_nothing_stays_behind_after_a_kill(bookworm: Path, victim: str) -> None:
    before = mounts()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_A_MACHINE, bookworm],
        env={**os.environ, "PYTHONPATH": str(ROOT / "build")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    init_pid = int(process.stdout.readline())
    os.kill(process.pid if victim == "the one who asked for it" else init_pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: has_ended(init_pid), "the end of the machine")
    assert mounts() == before


def test_a_folder_that_is_no_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="cannot set up a machine"), Machine(tmp_path):
        pass
