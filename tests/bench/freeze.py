"""Print how quick the single file is beside what people usually freeze, and beside bare Python.

    python -m tests.bench.freeze [--rounds 15] [--only version,hook,start,launch]

CCO_TEST_BINARY names the single file, CCO_TEST_CLAUDE the client; `make bench-freeze` sets both and
builds the rivals: the same program frozen with PyInstaller's default options, as one file (naive)
and as one folder. All that is compared runs in turn within one run. Each line ends with the bound
that the project has set itself.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from cco.demo.model_api import ModelServer, text
from tests.bench.rivals import ROOT, freeze
from tests.bench.timing import Contender, median_ms, race, ratio
from tests.conftest import BINARY, CLAUDE, TIMEOUT_S, Sandbox, wait_until
from tests.e2e.conftest import Stage

PARTS = ("version", "hook", "start", "launch", "size")
EVENT = b'{"session_id": "bench", "hook_event_name": "Stop"}'
MIB = 1 << 20
REST_S = 5
BARE = [os.path.realpath(sys.executable), "-I", "-S", "-c", "pass"]


class Bench:
    """The places and programs that are compared."""

    def __init__(self, folder: Path, binary: str, rounds: int) -> None:
        self.folder, self.rounds = folder, rounds
        self.ours = Sandbox(folder / "ours", (str(Path(binary).resolve()),), frozen=True)
        work = ROOT / ".build" / "bench"
        self.naive = Sandbox(folder / "naive", (str(freeze("onefile", work)),), frozen=True)
        self.onedir = Sandbox(folder / "onedir", (str(freeze("onedir", work)),), frozen=True)

    def close(self) -> None:
        for place in (self.ours, self.naive, self.onedir):
            place.close()

    def version(self) -> None:
        bare = Contender("python -I -S -c pass", lambda: call(BARE))
        fresh = self.folder / "fresh-cache"
        contenders = {
            "bare": bare,
            "ours": self._command(self.ours, "version"),
            "first": Contender(
                "cco version, first run",
                lambda: self._call(self.ours, "version", XDG_CACHE_HOME=str(fresh)),
                prepare=lambda: shutil.rmtree(fresh, ignore_errors=True),
            ),
            "onedir": self._command(self.onedir, "version"),
            "naive": self._command(self.naive, "version"),
        }
        race(contenders, self.rounds)
        naive = contenders["naive"]
        for one in contenders.values():
            told(one.name, one, naive, "naive one file")
        told("cco version", contenders["ours"], naive, "naive one file", 0.04)
        told("cco version", contenders["ours"], bare, "bare Python", 2.0)
        told("first run", contenders["first"], naive, "naive one file", 0.3)

    def hook(self) -> None:
        self.ours.ok("daemon", "start")
        settings = self.ours.sealed().settings
        session = {
            "ORCHESTRATOR_ENABLED": "true",
            "ORCHESTRATOR_API_URL": settings.api_url,
            "CCO_TOKEN": settings.token,
        }
        bare = Contender("python -I -S -c pass", lambda: call(BARE))
        commands = (("hook", "Stop"), ("statusline",))
        contenders = {" ".join(one): self._command(self.ours, *one, **session) for one in commands}
        race({"bare": bare, **contenders}, self.rounds * 2)
        for name, one in contenders.items():
            told(f"cco {name}", one, bare, "bare Python", 2.5)
        self.ours.ok("daemon", "stop")

    def start(self) -> None:
        """A naive one file cannot leave a daemon behind, since its folder goes with whoever
        unpacked it: of the rivals the daemon is timed in the foreground."""
        ours = Contender(
            "cco daemon start", self._start, clean=lambda: self.ours.ok("daemon", "stop")
        )
        rivals = [Foreground(place) for place in (self.ours, self.onedir, self.naive)]
        contenders = {
            one.place.root.name: Contender(
                f"{one.place.root.name}: cco daemon run", one.answers, clean=one.end
            )
            for one in rivals
        }
        race({"start": ours, **contenders}, self.rounds)
        for one in contenders.values():
            told(one.name, one, contenders["naive"], "naive one file")
        told(ours.name, ours, contenders["naive"], "naive one file", 0.35)

    def _start(self) -> None:
        self.ours.ok("daemon", "start")
        assert self.ours.request("GET", "/health", token=False).status == 200

    def launch(self, claude: str) -> None:
        model = ModelServer(lambda request: [text("Hello.")])
        scene = Stage(self.ours, model, claude)
        env = scene.environment()

        def ask(*command: str) -> Callable[[], object]:
            return lambda: call([*command, "-p", "hi"], env, self.ours.project)

        self.ours.ok("daemon", "start")
        plain = Contender("claude -p hi", ask(claude))
        warm = Contender("cco -p hi, daemon there", ask(*self.ours.command))
        race({"plain": plain, "warm": warm}, self.rounds, warm_up=2)
        told(warm.name, warm, plain, "claude -p hi", 1.06)
        plain.took_s.clear()
        cold = Contender(
            "cco -p hi, daemon to start",
            ask(*self.ours.command),
            prepare=lambda: self.ours.ok("daemon", "stop"),
        )
        race({"plain": plain, "cold": cold}, self.rounds)
        told(cold.name, cold, plain, "claude -p hi", 1.30)
        self.ours.ok("daemon", "stop")
        model.close()

    def size(self) -> None:
        for name, place in (("single file", self.ours), ("naive one file", self.naive)):
            bound = " (bound 16)" if place is self.ours else ""
            print(f"{name}: {Path(place.command[0]).stat().st_size / 1e6:.1f} MB{bound}")
        self.ours.ok("daemon", "start")
        time.sleep(REST_S)
        resident = psutil.Process(self.ours.sealed().settings.pid).memory_info().rss / MIB
        print(f"daemon at rest: {resident:.1f} MiB resident (bound 45)")
        self.ours.ok("daemon", "stop")

    def _command(self, place: Sandbox, *arguments: str, **more: str) -> Contender:
        name = f"{place.root.name}: cco {' '.join(arguments)}"
        return Contender(name, lambda: self._call(place, *arguments, **more))

    def _call(self, place: Sandbox, *arguments: str, **more: str) -> None:
        call([*place.command, *arguments], place.environment(**more), place.project)


class Foreground:
    """A daemon that runs in the foreground, from its start to its first answer."""

    def __init__(self, place: Sandbox) -> None:
        self.place = place

    def answers(self) -> None:
        self.process = self.place.start("daemon", "run", "--port", str(self.place.port))
        wait_until(self._answers, "the daemon's first answer")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.place.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def end(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=TIMEOUT_S)


def call(
    command: Sequence[str], env: dict[str, str] | None = None, cwd: Path | None = None
) -> None:
    """Run a command to its end, and demand success."""
    subprocess.run(command, env=env, cwd=cwd, input=EVENT, stdout=subprocess.DEVNULL, check=True)


def told(
    name: str, one: Contender, other: Contender, than: str, bound: float | None = None
) -> None:
    """Print one line of the table."""
    found = ratio(one, other)
    end = ""
    if bound is not None:
        end = f"  bound {bound}: {'kept' if found <= bound else 'NOT KEPT'}"
    print(f"{name:34} {median_ms(one):8.1f} ms  {found:6.3f} x {than}{end}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default=",".join(PARTS))
    options = parser.parse_args()
    if BINARY is None or CLAUDE is None:
        parser.error("CCO_TEST_BINARY and CCO_TEST_CLAUDE must be set: make bench-freeze")
    with tempfile.TemporaryDirectory(prefix="cco-bench-") as folder:
        bench = Bench(Path(folder), BINARY, options.rounds)
        try:
            for part in options.only.split(","):
                if part == "launch":
                    bench.launch(CLAUDE)
                else:
                    getattr(bench, part)()
        finally:
            bench.close()


if __name__ == "__main__":
    main()
