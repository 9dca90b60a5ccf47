"""Whether an artefact works: unpacked like a user would, run where nothing is prepared for it.

    python build/release/smoke.py FILE [--version V] [--commit SHA] [--image IMAGE]

FILE is a single file, an archive of the folder, a Debian package or a disk image. With --image its
commands run in a new container of that image, without network. HOME and the temp folder are
scratch ones; afterwards the temp folder must be empty, the daemon gone and its port free.
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from release.errors import ReleaseError, run  # noqa: E402
from release.machines import Container, Here  # noqa: E402

SPECIALISTS = 119
SEALED = {
    ".cco-orchestrator-settings",
    ".cco-agents-sealed",
    ".cco-rules-sealed",
    ".cco-hooks-sealed",
}
_COMMIT_CHARS = 12
_POLL_S = 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="Try out an artefact.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--version", help="what the program must say it is")
    parser.add_argument("--commit", help="the commit it must say it comes from")
    parser.add_argument("--image", help="a container image to run it in")
    parser.add_argument(
        "--development", action="store_true", help="accept what is not a release build"
    )
    parser.add_argument(
        "--timeout", type=float, default=30, metavar="S", help="how long anything may take to end"
    )
    options = parser.parse_args(arguments)

    def work() -> None:
        with tempfile.TemporaryDirectory(prefix="cco-smoke-") as scratch:
            smoke = _Smoke(Path(scratch).resolve(), options.image, options.timeout)
            try:
                smoke.program = unpack(options.file.resolve(), smoke.root / "unpacked")
                smoke.check_version(options.version, options.commit, options.development)
                smoke.check_doctor()
                smoke.check_specialists()
                smoke.check_daemon()
            finally:
                smoke.close()
        print(f"smoke: {options.file.name} works", file=sys.stderr)

    return run("smoke", work)


def unpack(file: Path, into: Path) -> str:
    """Put an artefact's contents into a folder.

    Shapes: -> the path of the program.
    Raises: ReleaseError if it holds none.
    """
    into.mkdir()
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            archive.extractall(into)  # noqa: S202  # our release
    elif file.name.endswith(".tar.gz"):
        with tarfile.open(file) as members:
            if hasattr(tarfile, "data_filter"):  # newer than the first 3.11
                members.extraction_filter = tarfile.data_filter
            members.extractall(into)  # noqa: S202  # our release
    elif file.suffix == ".deb":
        _do("dpkg-deb", "--extract", str(file), str(into))
    elif file.suffix == ".dmg":
        mounted = into.with_name("mounted")
        _do("hdiutil", "attach", "-nobrowse", "-readonly", "-mountpoint", str(mounted), str(file))
        try:
            shutil.copy2(mounted / "cco", into / "cco")
        finally:
            _do("hdiutil", "detach", str(mounted))
    else:
        copy = into / ("cco.exe" if file.suffix == ".exe" else "cco")
        shutil.copyfile(file, copy)
        copy.chmod(0o755)
    named = [path for name in ("cco", "cco.exe") for path in into.rglob(name) if path.is_file()]
    programs = [path for path in named if (path.parent / "_internal").is_dir()]
    if not programs:  # a single file, which has its parts in itself
        programs = [path for path in named if path.parent == into]
    if len(programs) != 1:
        raise ReleaseError(f"{file.name} holds {len(programs) or 'no'} programs")
    return str(programs[0])


def _do(program: str, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise ReleaseError(f"{program} is missing")
    done = subprocess.run([path, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReleaseError(f"{program} exits {done.returncode}: {done.stderr.strip()}")


class _Smoke:
    """One artefact on one machine."""

    program = ""
    pid: int | None = None

    def __init__(self, root: Path, image: str | None, timeout_s: float) -> None:
        self.root, self._timeout_s = root, timeout_s
        self.home, self.temp = root / "home", root / "temp"
        self.home.mkdir()
        self.temp.mkdir()
        environment = {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "LOCALAPPDATA": str(self.home / "AppData" / "Local"),
            "APPDATA": str(self.home / "AppData" / "Roaming"),
            "TMPDIR": str(self.temp),
            "TEMP": str(self.temp),
            "TMP": str(self.temp),
            "CCO_PORT": str(_free_port()),
        }
        self.machine = Container(image, environment, root) if image else Here(environment)

    def close(self) -> None:
        if self.program and any(self.temp.iterdir()):
            self.machine.run(self.program, "daemon", "stop")
        if self.pid is not None and self.machine.is_alive(self.pid):
            self.machine.kill(self.pid)
        self.machine.close()

    def cco(self, *arguments: str, codes: Sequence[int] = (0,)) -> str:
        """Run the program and return what it printed.

        Raises: ReleaseError unless it ends with one of these exit codes.
        """
        done = self.machine.run(self.program, *arguments)
        if done.returncode not in codes:
            said = "\n".join([done.stdout.strip(), done.stderr.strip()]).strip()
            raise ReleaseError(f"cco {' '.join(arguments)} exits {done.returncode}: {said}")
        return done.stdout

    def check_version(self, version: str | None, commit: str | None, development: bool) -> None:
        told = json.loads(self.cco("version", "--json"))
        wanted: dict[str, Any] = {"frozen": True}
        if not development:
            wanted |= {"release": True, "development_build": False}
        if version is not None:
            wanted["version"] = version
        if commit is not None:
            wanted["commit"] = commit[:_COMMIT_CHARS]
        wrong = {name: told.get(name) for name in wanted if told.get(name) != wanted[name]}
        if wrong:
            raise ReleaseError(f"it says {wrong}, and should say {wanted}")

    def check_doctor(self) -> None:
        """Everything is in order but Claude Code, which a clean machine does not have."""
        findings = json.loads(self.cco("doctor", "--json", codes=(0, 1)))["findings"]
        problems = [
            f"{finding['subject']}: {finding['detail']}"
            for finding in findings
            if finding["state"] == "problem" and finding["subject"] != "Claude Code"
        ]
        if problems or not findings:
            raise ReleaseError(f"cco doctor: {'; '.join(problems) or 'no findings'}")

    def check_specialists(self) -> None:
        count = len(json.loads(self.cco("agents", "list", "--json")))
        if count != SPECIALISTS:
            raise ReleaseError(f"{count} specialists instead of {SPECIALISTS}")

    def check_daemon(self) -> None:
        """Start it, speak to it, stop it, and find nothing of it afterwards."""
        self.cco("daemon", "start")
        status = json.loads(self.cco("daemon", "status", "--json"))
        if status["status"] != "running":
            raise ReleaseError(f"the daemon is {status['status']}")
        self.pid = status["pid"]
        missing = SEALED - {path.name for path in self.temp.iterdir()}
        if missing:
            raise ReleaseError(f"not in the temp folder: {', '.join(sorted(missing))}")
        if self.machine.reaches_loopback:
            self._expect_health(status["port"], status["instance"])
        self.check_doctor()
        self.cco("daemon", "stop")
        self._wait_until(lambda: not self.machine.is_alive(status["pid"]), "the end of the daemon")
        if self.machine.reaches_loopback:
            self._wait_until(lambda: not _listens(status["port"]), "the end of its port")
        left = sorted(path.name for path in self.temp.iterdir())
        if left:
            raise ReleaseError(f"left in the temp folder: {', '.join(left)}")

    def _expect_health(self, port: int, instance: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self._timeout_s)
        try:
            connection.request("GET", "/health")
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ReleaseError(f"GET /health: {error}") from None
        finally:
            connection.close()
        if (answer.status, told.get("status"), told.get("instance")) != (200, "ok", instance):
            raise ReleaseError(f"GET /health: {answer.status} {told}")

    def _wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + self._timeout_s
        while not condition():
            if time.monotonic() > deadline:
                raise ReleaseError(f"waited in vain for {what}")
            time.sleep(_POLL_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main())
