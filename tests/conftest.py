"""Fixtures: a sandbox with its own HOME, temp folder and project, and cco in both its forms."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

TIMEOUT_S = 60
SOURCE = (sys.executable, "-I", "-m", "cco")
BINARY = os.environ.get("CCO_TEST_BINARY")
CLAUDE = os.environ.get("CCO_TEST_CLAUDE")
NEEDS_BINARY = "the frozen binary is not built: make freeze, then CCO_TEST_BINARY=dist/cco"
NEEDS_CLAUDE = "Claude Code is not fetched: make claude, then CCO_TEST_CLAUDE=<its path>"


@dataclass
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@dataclass
class Sandbox:
    """A place of its own for one test, and cco in it."""

    root: Path
    command: tuple[str, ...]
    frozen: bool

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def temp(self) -> Path:
        return self.root / "tmp"

    @property
    def project(self) -> Path:
        return self.root / "project"

    def environment(self, **more: str) -> dict[str, str]:
        """A clean environment: nothing of the person's who runs the tests."""
        base = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self.temp),
            "TEMP": str(self.temp),
            "CCO_PORT": str(self.port),
        }
        if sys.platform == "win32":
            base["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
            base["USERPROFILE"] = str(self.home)
        return {**base, **more}

    def __post_init__(self) -> None:
        for folder in (self.home, self.temp, self.project):
            folder.mkdir(parents=True)
        self.port = free_port()

    def start(
        self, *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start cco and leave it running."""
        return subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment() if env is None else dict(env),
            cwd=cwd or self.project,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run cco to its end."""
        process = self.start(*arguments, env=env, cwd=cwd)
        try:
            out, err = process.communicate(stdin, TIMEOUT_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        return Result(process.returncode, out.decode(), err.decode())

    def ok(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """Run cco, demand success, and return what it printed."""
        result = self.run(*arguments, stdin=stdin, env=env)
        assert result.code == 0, result
        return result.out

    def leftovers(self) -> list[str]:
        """Everything of ours in the temp folder."""
        return sorted(path.name for path in self.temp.iterdir() if path.name.startswith(".cco-"))

    def daemon_processes(self) -> list[psutil.Process]:
        """The daemons that live in this sandbox."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                here = process.environ().get("TMPDIR") == str(self.temp)
                if here and "--spawned" in process.cmdline():
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def close(self) -> None:
        """Stop the daemon, then make sure that nothing of it is left."""
        self.run("daemon", "stop")
        processes, leftovers = self.daemon_processes(), self.leftovers()
        for process in processes:
            process.kill()
        assert not processes, "a daemon outlived its test"
        assert not leftovers, "files outlived their daemon"


def free_port() -> int:
    """A port that nobody listens on; another may take it, and then cco moves on by itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["source", "frozen"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """The same test against the source and against the frozen binary."""
    if request.param == "frozen":
        if BINARY is None:
            pytest.skip(NEEDS_BINARY)
        command: tuple[str, ...] = (str(Path(BINARY).resolve()),)
    else:
        command = SOURCE
    place = Sandbox(tmp_path / "box", command, request.param == "frozen")
    yield place
    place.close()


@pytest.fixture
def source_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox for what only the source can do."""
    place = Sandbox(tmp_path / "box", SOURCE, frozen=False)
    yield place
    place.close()


@pytest.fixture(scope="session")
def claude() -> str:
    """The path of a real Claude Code."""
    if CLAUDE is None:
        pytest.skip(NEEDS_CLAUDE)
    return CLAUDE
