"""Fixtures: a sandbox with its own HOME, temp folder and project, and cco in both its forms."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import hypothesis
import machineid
import psutil
import pytest

from cco.build_info import DEVELOPMENT_SECRET, parse_build_secret
from cco.sealing.identity import username
from cco.sealing.keys import Identity
from cco.sealing.sealed_set import SealedSet, Settings, open_set
from tests.fake_claude import FakeClaude

FUZZ_EXAMPLES = int(os.environ.get("CCO_FUZZ_EXAMPLES") or 0)
"""`make fuzz`: how much each property is tried with, other data each time. 0: `make test`, with
the same data each time, so that a change is judged by what it changed."""

# no test depends on how fast the machine is, and none leaves anything behind
hypothesis.settings.register_profile(
    "cco",
    derandomize=not FUZZ_EXAMPLES,
    max_examples=FUZZ_EXAMPLES or 100,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("cco")

TIMEOUT_S = 60
_POLL_S = 0.02
SOURCE = (sys.executable, "-I", "-m", "cco")
BINARY = os.environ.get("CCO_TEST_BINARY") or None
CLAUDE = os.environ.get("CCO_TEST_CLAUDE") or None
NEEDS_BINARY = "the frozen binary is not built: make freeze, then CCO_TEST_BINARY=dist/cco"
NEEDS_CLAUDE = "Claude Code is not fetched: make claude, then CCO_TEST_CLAUDE=<its path>"


@dataclass
class Result:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


def finish(*processes: subprocess.Popen[bytes], stdin: bytes = b"") -> list[Result]:
    """Wait for processes that were started with pipes; none of them outlives a failure."""
    results = []
    try:
        for process in processes:
            out, err = process.communicate(stdin, TIMEOUT_S)
            results.append(Result(process.returncode, out.decode(), err.decode()))
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
    return results


@dataclass
class Answer:
    """What the daemon answered to one request."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Folders:
    """A home and a temp folder of its own for one test."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def temp(self) -> Path:
        return self.root / "tmp"


@dataclass
class Sandbox(Folders):
    """A place of its own for one test, and cco in it."""

    command: tuple[str, ...]
    frozen: bool
    account: ClassVar[int | None] = None
    """The account that cco runs as; None: that of the tests."""

    @property
    def state(self) -> Path:
        """Where the daemon's log goes."""
        tail = "AppData/Local/cco" if sys.platform == "win32" else ".local/state/cco"
        return self.home / tail

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
        if self.frozen:
            base["XDG_CACHE_HOME"] = _binary_cache()
        if sys.platform == "win32":
            base["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
            base["USERPROFILE"] = str(self.home)
            base["LOCALAPPDATA"] = str(self.home / "AppData" / "Local")
            base["APPDATA"] = str(self.home / "AppData" / "Roaming")
        return {**base, **more}

    def session_environment(
        self, settings: Settings | None = None, /, **more: str
    ) -> dict[str, str]:
        """What a launched Claude Code gives its commands; `settings` may be an earlier daemon's."""
        settings = settings or self.sealed().settings
        session = {
            "ORCHESTRATOR_ENABLED": "true",
            "ORCHESTRATOR_API_URL": settings.api_url,
            "CCO_TOKEN": settings.token,
        }
        return self.environment(**{**session, **more})

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
            user=self.account,
            group=self.account,
            extra_groups=None if self.account is None else [],
        )

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result:
        """Run cco to its end."""
        (result,) = finish(self.start(*arguments, env=env, cwd=cwd), stdin=stdin)
        return result

    def ok(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """Run cco, demand success, and return what it printed."""
        result = self.run(*arguments, stdin=stdin, env=env)
        assert result.code == 0, result
        return result.out

    def sealed(self) -> SealedSet:
        """The sealed set in the temp folder, opened as this user of this machine would."""
        return open_set(self.temp, self.identity())

    def identity(self) -> Identity:
        """What this user's keys on this machine are bound to."""
        try:
            machine = machineid.id()
        except machineid.MachineIdNotFound:
            machine = (self.home / ".local/share/cco/machine-id").read_text().strip()
        given = os.environ.get("CCO_BUILD_SECRET") if self.frozen else None
        secret = parse_build_secret(given) if given else DEVELOPMENT_SECRET
        user = username() if self.account is None else f"uid-{self.account}"
        return Identity(machine, user, secret)

    def request(
        self,
        method: str,
        target: str,
        body: bytes | Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        token: bool = True,
    ) -> Answer:
        """Ask the daemon, as Claude Code or a program of the user's would."""
        settings = self.sealed().settings
        data = json.dumps(body).encode() if isinstance(body, Mapping) else body
        all_headers = {} if data is None else {"Content-Type": "application/json"}
        if token:
            all_headers["Authorization"] = f"Bearer {settings.token}"
        connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, target, data, {**all_headers, **(headers or {})})
            answer = connection.getresponse()
            headers_back = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers_back, answer.read())
        finally:
            connection.close()

    def hook(self, event: str, session_id: str = "s", **payload: Any) -> Answer:
        """Send one event of Claude Code's."""
        return self.request("POST", f"/hooks/{event}", {"session_id": session_id, **payload})

    def configure(self, text: str) -> None:
        """Give this user a config file."""
        folder = self.home / ".config" / "cco"
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(text)

    @property
    def log_file(self) -> Path:
        (path,) = self.state.glob("*.log")
        return path

    def log(self) -> str:
        """What the daemon has logged."""
        return self.log_file.read_text()

    def kill_daemon(self) -> None:
        """Let the daemon end without another word."""
        pid = self.sealed().settings.pid
        psutil.Process(pid).kill()
        wait_until(lambda: has_ended(pid), "the daemon's end")

    def leftovers(self) -> list[str]:
        """Everything of ours in the temp folder."""
        return sorted(path.name for path in self.temp.iterdir() if path.name.startswith(".cco-"))

    def processes(self) -> list[psutil.Process]:
        """Everything that runs in this sandbox, whoever started it."""
        found = []
        for process in psutil.process_iter():
            try:
                alive = process.status() != psutil.STATUS_ZOMBIE
                if alive and process.environ().get("TMPDIR") == str(self.temp):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def daemon_processes(self) -> list[psutil.Process]:
        """The daemons that live in this sandbox."""
        return [process for process in self.processes() if "--spawned" in process.cmdline()]

    def close(self) -> None:
        """Stop the daemon, then make sure that nothing of it is left."""
        if self.leftovers():
            self.run("daemon", "stop")
        try:  # what has done its work may still be on its way out
            wait_until(lambda: not self.processes(), "the end of the test's processes")
        finally:
            for process in self.processes():
                process.kill()
        assert not self.leftovers(), "files outlived their daemon"


@cache
def _binary_cache() -> str:
    """One folder for the frozen binary's unpacked copy, gone when the tests are."""
    folder = tempfile.TemporaryDirectory(prefix="cco-tests-cache-")
    atexit.register(folder.cleanup)
    return folder.name


def free_port() -> int:
    """A port that nobody listens on; another may take it, and then cco moves on by itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds; fail with what was waited for."""
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(_POLL_S)


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or is only waiting for its parent to notice."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def make_sandbox(form: str, folder: Path) -> Sandbox:
    """A sandbox for cco as `source` or `frozen`."""
    if form == "source":
        return Sandbox(folder / "box", SOURCE, frozen=False)
    if BINARY is None:
        pytest.skip(NEEDS_BINARY)
    return Sandbox(folder / "box", (str(Path(BINARY).resolve()),), frozen=True)


@pytest.fixture(scope="session")
def binary() -> Path:
    """The frozen program under test."""
    if BINARY is None:
        pytest.skip(NEEDS_BINARY)
    path = Path(BINARY).resolve()
    assert path.is_file(), f"CCO_TEST_BINARY: {path} is not there"
    return path


@pytest.fixture(params=["source", "frozen"])
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    """The same test against the source and against the frozen binary."""
    place = make_sandbox(request.param, tmp_path)
    yield place
    place.close()


@pytest.fixture(scope="module", params=["source", "frozen"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """A sandbox with a running daemon for all tests of a module, in both forms."""
    place = make_sandbox(request.param, tmp_path_factory.mktemp("served"))
    place.ok("daemon", "start")
    yield place
    place.close()


@pytest.fixture
def source_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox for what only the source can do."""
    place = make_sandbox("source", tmp_path)
    yield place
    place.close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One running daemon for all tests of a module, from source."""
    place = make_sandbox("source", tmp_path_factory.mktemp("daemon"))
    place.ok("daemon", "start")
    yield place
    place.close()


@pytest.fixture
def undisturbed(daemon: Sandbox) -> Iterator[None]:
    """Whatever a test sends: nothing in the daemon may go wrong unexpectedly, nor may it end."""
    before = daemon.log_file.stat().st_size
    yield
    with daemon.log_file.open("rb") as file:
        file.seek(before)
        assert b"Traceback" not in file.read()
    assert daemon.request("GET", "/health", token=False).status == 200


@pytest.fixture
def fake_claude(tmp_path: Path) -> FakeClaude:
    """A stand-in for Claude Code, which no PATH names."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the stand-in for Claude Code reads Linux's /proc")
    return FakeClaude(tmp_path / "fake")


@pytest.fixture(scope="session")
def claude() -> str:
    """The path of a real Claude Code."""
    if CLAUDE is None:
        pytest.skip(NEEDS_CLAUDE)
    return CLAUDE
