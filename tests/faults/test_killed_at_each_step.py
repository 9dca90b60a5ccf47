"""`kill -9` before each single step of the daemon's life: what comes after simply works."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cco.catalogue.markdown import load_markdown
from cco.cli import entry
from cco.daemon import supervisor
from cco.errors import CcoError
from cco.sealing import names
from cco.sealing.sealed_set import Settings
from tests.conftest import Sandbox, has_ended, make_sandbox, wait_until
from tests.fake_claude import FakeClaude
from tests.faults import forked

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks at descriptors through Linux's /proc"
)
EVERYTHING = sorted({*names.SEALED, names.HISTORY, names.BRIDGE, names.PLUGIN, names.DAEMON_LOCK})
Step = tuple[str, int]
"""A step's name, and which of that name it is."""


class Scene:
    """A sandbox that can be put back to where a daemon with a session in it was killed."""

    def __init__(self, folder: Path) -> None:
        self.sandbox = make_sandbox("source", folder)
        config = self.sandbox.home / ".config" / "cco" / "config.toml"
        config.parent.mkdir(parents=True)  # a few specialists do, and make a life short
        names_of_agents = [agent.name for agent in load_markdown().agents]
        config.write_text(f"agents = {{ drop = {json.dumps(names_of_agents[5:])} }}\n")
        self._crash = folder / "crash"
        with forked.serving(self.sandbox) as pid:
            self.sandbox.hook("SessionStart", "before", source="startup", cwd="/project")
            self.before = self.sandbox.sealed().settings
            body = {"handover": True}  # its files stay, and all that it knew is in them
            assert self.sandbox.request("POST", "/api/v1/shutdown", body).status == 202
            wait_until(lambda: has_ended(pid), "the daemon's end")
        shutil.copytree(self.sandbox.temp, self._crash)
        (self._crash / names.DAEMON_LOCK).write_text("1         ")

    def put_back(self, *, crashed: bool) -> None:
        shutil.rmtree(self.sandbox.temp)
        if crashed:
            shutil.copytree(self._crash, self.sandbox.temp)
        else:
            self.sandbox.temp.mkdir()

    def settings(self) -> Settings | None:
        """What the sealed settings on disk hold; None where there are none that open."""
        try:
            return self.sandbox.sealed().settings
        except CcoError:
            return None

    def live(self, hook: forked.Hook | None) -> bool:
        """A daemon's life with a session in it and an orderly end; whether it came to that end."""
        with forked.serving(self.sandbox, hook) as pid:
            if has_ended(pid):
                return False
            self.sandbox.hook("SessionStart", "during", source="startup", cwd="/project")
            return forked.end(pid) == 0

    def sessions(self) -> set[str]:
        found = self.sandbox.request("GET", "/api/v1/sessions").json()["sessions"]
        return {one["session_id"] for one in found}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    place = Scene(tmp_path_factory.mktemp("killed"))
    yield place
    place.put_back(crashed=False)
    place.sandbox.close()


def steps_of(path: Path, act: Callable[[forked.Hook], object]) -> list[Step]:
    """Every step that something takes to its end; of many of one name the first and the last."""
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)

    def note(label: str) -> None:
        os.write(out, f"{label}\n".encode())

    act(note)
    os.close(out)
    labels = path.read_text().splitlines()
    totals, seen = Counter(labels), Counter[str]()
    found = []
    for label in labels:
        seen[label] += 1
        if seen[label] in (1, totals[label]):
            found.append((label, seen[label]))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("crashed", [True, False], ids=["starting after a crash", "stopping"])
def test_the_daemon(scene: Scene, crashed: bool) -> None:
    """Whatever is on disk then, the next start or stop puts right. Port, token and history are
    there again as long as the settings were not yet taken away by a stop."""
    sandbox = scene.sandbox
    scene.put_back(crashed=crashed)
    steps = steps_of(sandbox.root / "steps", scene.live)
    serves = next(place for place, (name, _) in enumerate(steps) if name.startswith("open ready"))
    steps = steps[:serves] if crashed else steps[serves:]
    taken = {name for name, _ in steps}
    if crashed:
        assert {f"os.rename {name}.*.tmp" for name in names.SEALED} <= taken
    else:
        assert {f"os.remove {name}" for name in (*names.SEALED, names.DAEMON_LOCK)} <= taken
    for step in steps:
        scene.put_back(crashed=crashed)
        assert not scene.live(forked.killed_at(*step)), step
        left = scene.settings()
        as_it_was = sandbox.root / "as_it_was"
        shutil.copytree(sandbox.temp, as_it_was)

        with forked.serving(sandbox) as pid:
            after = sandbox.sealed()
            assert after.settings.pid == pid, step
            assert sorted(path.name for path in sandbox.temp.iterdir()) == EVERYTHING, step
            for name in names.MEMBERS:
                after.open_member(name)
            if left is not None:
                known = (after.settings.port, after.settings.token)
                assert known == (left.port, left.token), step
                assert not crashed or "before" in scene.sessions(), step
            assert forked.end(pid) == 0, step
        assert list(sandbox.temp.iterdir()) == [], step

        shutil.rmtree(sandbox.temp)
        as_it_was.rename(sandbox.temp)
        assert forked.wait(forked.start(sandbox, supervisor.stop)) == 0, step
        assert list(sandbox.temp.iterdir()) == [], step
    assert "Traceback" not in (sandbox.root / "forked.txt").read_text()


@pytest.mark.slow
def test_the_command_line(source_sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    """From the look for a daemon to the program that it becomes: it leaves no daemon but one that
    works, and nothing that a stop does not take away."""
    sandbox = source_sandbox
    settings = sandbox.home / ".config" / "cco" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'claude = "{fake_claude.path}"\n')
    arguments = ["--budget", "5", "-p", "x"]

    def launch(hook: forked.Hook) -> int:
        return forked.wait(forked.start(sandbox, lambda: entry.main(arguments), hook))

    steps = steps_of(sandbox.root / "steps", launch)
    assert [name for name, _ in steps if name.startswith("os.exec")] == ["os.exec claude"]
    assert "subprocess.Popen" in {name for name, _ in steps}
    for step in steps:
        forked.wait(forked.start(sandbox, supervisor.stop))
        before = len(fake_claude.starts())
        assert launch(forked.killed_at(*step)) == -signal.SIGKILL, step
        assert len(fake_claude.starts()) == before, step
        assert sandbox.run(*arguments).code == 0, step
        assert len(fake_claude.starts()) == before + 1, step
        wait_until(lambda: len(sandbox.daemon_processes()) == 1, "the end of any other daemon")
        assert [one.pid for one in sandbox.daemon_processes()] == [sandbox.sealed().settings.pid]
    sandbox.ok("daemon", "stop")
    assert list(sandbox.temp.iterdir()) == []


@pytest.mark.parametrize("name", [names.DAEMON_LOCK, names.HISTORY, names.PLUGIN, names.AGENTS])
def test_the_frozen_daemon_as_its_files_appear(frozen_sandbox: Sandbox, name: str) -> None:
    sandbox = frozen_sandbox
    starting = sandbox.start("daemon", "start")
    try:
        wait_until((sandbox.temp / name).exists, f"{name}")
        for daemon in sandbox.daemon_processes():
            daemon.kill()
        _, err = starting.communicate()
    finally:
        starting.kill()
        starting.communicate()
    assert b"Traceback" not in err
    assert b"defect of cco" not in err
    sandbox.ok("daemon", "start")
    assert sorted(sandbox.leftovers()) == EVERYTHING
    sandbox.ok("daemon", "stop")
    assert list(sandbox.temp.iterdir()) == []
