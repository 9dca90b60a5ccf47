"""Installed by the script and by dpkg where nobody has prepared anything, and removed again."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from packing.deb import make_deb
from platforms import rootfs
from platforms.machine import Bind, Machine
from release.names import PLATFORMS

from cco.build_info import VERSION
from tests.installers.release_server import Release, serve

ROOT = Path(__file__).parents[2]
ARCH = platform.machine()
TITLE = f"cco-{VERSION}-linux-{ARCH}"
HOME = "/home/ada"


@pytest.fixture
def release(binary: Path) -> Iterator[Release]:
    with serve() as served:
        served.publish(binary.read_bytes(), f"linux-{ARCH}", VERSION)
        yield served


@pytest.fixture(scope="module")
def with_curl() -> Path:
    """A root file system that can download."""
    return rootfs.make("bookworm", include=["curl", "ca-certificates"])


SCRIPT = Bind(ROOT / "installers", "/installers")


def left_in_home(machine: Machine, user: str) -> str:
    return machine.ok("find", HOME, "-mindepth", "1", user=user)


def test_a_bare_system_says_what_it_needs(bookworm: Path) -> None:
    with Machine(bookworm, binds=[SCRIPT]) as machine:
        ada = machine.add_user("ada")
        result = machine.run("sh", "/installers/install.sh", user=ada, env={"HOME": HOME})
        assert result.code == 4
        assert "curl" in result.err
        assert "--file" in result.err
        assert left_in_home(machine, ada) == ""


def test_from_a_release_server(with_curl: Path, release: Release) -> None:
    with Machine(with_curl, network=True, binds=[SCRIPT]) as machine:
        ada = machine.add_user("ada")
        env = {"HOME": HOME, "CCO_RELEASE_BASE": release.base, "SHELL": "/bin/bash"}
        script = ("sh", "/installers/install.sh")
        told = machine.ok(*script, "--modify-path", user=ada, env=env)
        assert f"cco {VERSION} is installed: {HOME}/.local/bin/cco" in told
        # as a terminal opened from now on would find it
        login = ("bash", "-ic", "cco version")
        assert machine.ok(*login, user=ada, env=env).startswith(f"cco {VERSION} ")
        machine.ok("bash", "-ic", "cco daemon start", user=ada, env=env)
        gone = machine.ok(*script, "--uninstall", user=ada, env=env)
        assert "the daemon is stopped; cco is uninstalled" in gone
        assert left_in_home(machine, ada) == ""
        assert machine.ok("find", "/tmp", "/var/tmp", "-user", "ada") == ""
        assert machine.processes() == {}


def test_a_tampered_download_is_refused(with_curl: Path, release: Release) -> None:
    path = f"/download/v{VERSION}/{TITLE}"
    release.files[path] = release.files[path][:-1] + b"!"
    with Machine(with_curl, network=True, binds=[SCRIPT]) as machine:
        ada = machine.add_user("ada")
        env = {"HOME": HOME, "CCO_RELEASE_BASE": release.base}
        result = machine.run("sh", "/installers/install.sh", user=ada, env=env)
        assert result.code == 6
        assert "not what was released" in result.err
        assert left_in_home(machine, ada) == ""
        assert machine.ok("find", "/tmp", "-user", "ada") == ""


def test_offline_on_a_bare_system(bookworm: Path, release: Release, tmp_path: Path) -> None:
    carried = tmp_path / "carried"
    carried.mkdir()
    (carried / TITLE).write_bytes(release.files[f"/download/v{VERSION}/{TITLE}"])
    (carried / "SHA256SUMS").write_bytes(release.sums)
    (carried / "install.sh").write_bytes((ROOT / "installers/install.sh").read_bytes())
    with Machine(bookworm, binds=[Bind(carried, "/carried")]) as machine:
        ada = machine.add_user("ada")
        command = ("sh", "/carried/install.sh", "--file", f"/carried/{TITLE}")
        machine.ok(*command, user=ada, env={"HOME": HOME})
        program = f"{HOME}/.local/bin/cco"
        assert machine.ok(program, "version", user=ada).startswith(f"cco {VERSION} ")
        # the account's home is known without HOME, too
        machine.ok(program, "install", "--uninstall", user=ada)
        assert left_in_home(machine, ada) == ""


def test_the_debian_package(bookworm: Path, binary: Path, tmp_path: Path) -> None:
    made = make_deb(binary, PLATFORMS[f"linux-{ARCH}"], VERSION, tmp_path, 1_700_000_000, level=0)
    with Machine(bookworm, binds=[Bind(made, "/cco.deb")]) as machine:
        ada = machine.add_user("ada")
        before = machine.ok("find", "/usr", "/etc", "/var/lib/dpkg/info", "-xdev")
        machine.ok("dpkg", "-i", "/cco.deb")
        assert machine.ok("dpkg", "--verify", "cco") == ""
        env = {"HOME": HOME}
        assert machine.ok("cco", "version", user=ada, env=env).startswith(f"cco {VERSION} ")
        machine.ok("cco", "daemon", "start", user=ada, env=env)
        machine.ok("cco", "daemon", "stop", user=ada, env=env)
        told = machine.run("cco", "install", user=ada, env=env)
        assert (told.code, told.out) == (0, "")
        assert "on PATH already" in told.err
        machine.ok("cco", "install", "--uninstall", user=ada, env=env)
        assert left_in_home(machine, ada) == ""
        machine.ok("dpkg", "--purge", "cco")
        assert machine.ok("find", "/usr", "/etc", "/var/lib/dpkg/info", "-xdev") == before
