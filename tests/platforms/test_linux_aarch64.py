"""The portable program for aarch64, on the oldest and the newest system, emulated where need be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from platforms import rootfs

from cco.build_info import VERSION
from tests.conftest import wait_until
from tests.platforms.conftest import program
from tests.platforms.place import Place, place_on
from tests.platforms.test_linux import EVERYTHING


@pytest.fixture(scope="module", params=[rootfs.SUITES[0], rootfs.SUITES[-1]])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    system = rootfs.make(request.param, "arm64")
    with place_on(system, program("cco-linux-aarch64"), machine_id=False) as found:
        yield found


def test_it_runs(place: Place) -> None:
    assert place.machine.ok("uname", "-m") == "aarch64\n"
    assert VERSION in place.ok("version")
    assert place.temp_names() == []


def test_a_daemon_lives_and_leaves_nothing(place: Place) -> None:
    assert place.ok("daemon", "start").startswith("the daemon runs on port ")
    assert place.temp_names() == EVERYTHING
    listed = place.shell(r"find /tmp -mindepth 1 -printf '%y %m %U\n' | sort -u")
    assert listed.splitlines() == ["d 700 1000", "f 600 1000"]
    assert place.status()["version"] == VERSION
    place.add_fake_claude()
    assert place.run("doctor").code == 0
    assert place.run("-p", "hi").code == 42
    assert place.ok("daemon", "stop") == "the daemon is stopped\n"
    assert place.temp_names() == []
    wait_until(lambda: not place.machine.processes(), "the end of the daemon")
