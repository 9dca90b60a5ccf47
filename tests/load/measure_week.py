"""Measure what a week of use leaves behind: memory, descriptors, threads, files and processes.

    python -m tests.load.measure_week [--sessions 300] [--form frozen]

Sessions of the real Claude Code against the scripted model, each with two specialists that run a
command, now and then with a compaction; clients that are killed, a daemon that is killed,
restarted or stopped. Each line says what the daemon holds and what lies in its folders after so
many sessions; the last one what is there when it has stopped.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from cco.demo.model_api import Block, ModelRequest, ModelServer, text, tool_use
from cco.demo.scenario import specialist_of
from tests.conftest import CLAUDE, Sandbox, make_sandbox
from tests.e2e.conftest import Stage

SPECIALISTS = ("python-engineer", "rust-engineer", "debugger", "ci-engineer", "docker-engineer")
MIB = 1 << 20
_SEED = 7
_KILL_AFTER_S = 0.8


def script(request: ModelRequest) -> Sequence[Block]:
    """Two specialists, who run a command each."""
    done = len(request.tool_results())
    if specialist_of(request) is None:
        if done or "Agent" not in request.tool_names:
            return [text("Both have answered.")]
        return [
            tool_use(
                "Agent", {"subagent_type": f"cco:{name}", "description": "ask", "prompt": "Look."}
            )
            for name in random.Random(request.number).sample(SPECIALISTS, 2)
        ]
    if done:
        return [text("Seen.")]
    return [tool_use("Bash", {"command": "echo seen", "description": "Look"})]


class Week:
    """The days, and what is counted in between."""

    def __init__(self, place: Sandbox, scene: Stage) -> None:
        self.place, self.scene = place, scene
        self.chance = random.Random(_SEED)
        self.ended = {"whole": 0, "killed": 0, "compacted": 0, "daemon": 0}

    def session(self, number: int) -> None:
        """One session, and what may befall it."""
        arguments = ["-p", f"Task {number}", "--allowedTools", "Bash(echo:*)"]
        if number % 10 == 3:
            process = subprocess.Popen(
                [*self.place.command, *arguments],
                env=self.scene.environment(),
                cwd=self.place.project,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(self.chance.random() * _KILL_AFTER_S)
            process.kill()
            process.wait()
            self.ended["killed"] += 1
            return
        account = self.scene.ask(*arguments)
        assert not account["is_error"], account
        self.ended["whole"] += 1
        if number % 15 == 4:
            assert self.scene.run("-p", "/compact", "--resume", account["session_id"]).code == 0
            self.ended["compacted"] += 1

    def befall_the_daemon(self, number: int) -> None:
        if number % 25 == 24:
            self.ended["daemon"] += 1
            kind = number // 25 % 3
            if kind == 0:
                psutil.Process(self.place.sealed().settings.pid).kill()
            else:
                self.place.ok("daemon", "restart" if kind == 1 else "stop")

    def told(self) -> str:
        """What is there now."""
        process = psutil.Process(self.place.sealed().settings.pid)
        return (
            f"{process.memory_info().rss / MIB:6.1f} MiB, {process.num_fds():3} descriptors, "
            f"{process.num_threads()} threads, {self.left()}"
        )

    def left(self) -> str:
        """The files in cco's places, and the processes that were started from here."""
        ours = [self.place.temp / name for name in self.place.leftovers()]
        folders = []
        for name, roots in (("temp", ours), ("state", [self.place.state])):
            files = [path for root in roots for path in (root, *root.rglob("*")) if path.is_file()]
            size = sum(path.stat().st_size for path in files)
            folders.append(f"{name} {len(files)} files {size / 1024:.0f} KiB")
        return f"{', '.join(folders)}, {len(self.place.processes())} processes"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=300)
    parser.add_argument("--form", choices=("source", "frozen"), default="source")
    options = parser.parse_args()
    if CLAUDE is None:
        parser.error("CCO_TEST_CLAUDE must name the real client")
    with tempfile.TemporaryDirectory(prefix="cco-load-") as folder:
        place = make_sandbox(options.form, Path(folder) / "box")
        model = ModelServer(script)
        week = Week(place, Stage(place, model, CLAUDE))
        try:
            for number in range(options.sessions):
                week.session(number)
                if number % max(options.sessions // 12, 1) == 0:
                    place.ok("daemon", "start")
                    print(f"{number + 1:5} sessions: {week.told()}", flush=True)
                week.befall_the_daemon(number)
            place.ok("daemon", "stop")
            print(f"{week.ended}\nstopped: {week.left()}")
            print("temp folder:", sorted(path.name for path in place.temp.iterdir()))
        finally:
            model.close()
            place.close()


if __name__ == "__main__":
    main()
