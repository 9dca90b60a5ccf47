"""How each kind of error is brought about, as a person would."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from cco import errors
from cco.catalogue.model import COMPACTION_TEXTS
from cco.errors import CcoError
from cco.sealing import names
from cco.sealing.envelope import seal
from cco.sealing.sealed_set import write_set
from tests.conftest import Result, Sandbox, free_port
from tests.damaged import copied_program, with_a_defect, without_catalogue
from tests.fake_claude import FakeClaude

ROOT = Path(__file__).parents[2]
DEBUG = {"CCO_DEBUG": "1"}


@dataclass
class Scene:
    """Where an error is brought about."""

    sandbox: Sandbox
    folder: Path
    claude: FakeClaude

    def run(self, *arguments: str, **variables: str) -> Result:
        """Run cco and have it say which kind of error it was."""
        return self.sandbox.run(*arguments, env=self.sandbox.environment(**DEBUG, **variables))

    def shell(self, script: str, *arguments: str, stdin: bytes = b"", **variables: str) -> Result:
        """Run cco, with "$@" for its command line, in a shell that has limited it."""
        return self.command(
            "/bin/sh", "-c", script, "sh", *self.sandbox.command, *arguments,
            stdin=stdin, **variables,
        )  # fmt: skip

    def command(self, *command: str, stdin: bytes = b"", **variables: str) -> Result:
        """Run any program where cco would be run."""
        done = subprocess.run(
            command,
            env={**self.sandbox.environment(**DEBUG), **variables},
            cwd=self.sandbox.project,
            input=stdin,
            capture_output=True,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def started(self) -> Path:
        """Start the daemon and return the path of its sealed settings."""
        self.sandbox.ok("daemon", "start")
        return self.sandbox.temp / names.SETTINGS


Trigger = Callable[[Scene], Result]
TRIGGERS: dict[type[CcoError], Trigger] = {}


def brings(kind: type[CcoError]) -> Callable[[Trigger], Trigger]:
    """Note that a function brings about an error of this kind."""

    def note(trigger: Trigger) -> Trigger:
        TRIGGERS[kind] = trigger
        return trigger

    return note


@brings(errors.UsageInvalid)
def _(scene: Scene) -> Result:
    return scene.run("install", "--purge")


@brings(errors.ConfigInvalid)
def _(scene: Scene) -> Result:
    return scene.run("daemon", "start", CCO_PORT="none")


@brings(errors.BuildSecretInvalid)
def _(scene: Scene) -> Result:
    """No command of cco takes one: it is given to the freeze."""
    out = str(scene.folder / "cco")
    freeze = (sys.executable, str(ROOT / "build/freeze.py"), "--release", "--out", out)
    return scene.command(*freeze, CCO_BUILD_SECRET="c0ffee")


@brings(errors.NotFound)
def _(scene: Scene) -> Result:
    return scene.run("agents", "show", "nobody")


@brings(errors.CatalogueInvalid)
def _(scene: Scene) -> Result:
    program = copied_program(scene.sandbox, scene.folder)
    without_catalogue(program)
    return scene.command(*program.command, "agents", "list")


@brings(errors.MachineIdUnavailable)
def _(scene: Scene) -> Result:
    """A machine without an id, and an account without a home: in namespaces of their own."""
    unshare = shutil.which("unshare")
    alone = [str(unshare), "--user", "--map-root-user", "--mount"]
    if unshare is None or subprocess.run([*alone, "true"], check=False).returncode != 0:
        pytest.skip("this system makes no namespaces for its users")
    script = """
    for file in /etc/machine-id /var/lib/dbus/machine-id; do
        [ ! -e $file ] || mount --bind /dev/null $file || exit 99
    done
    exec "$@"
    """
    hidden = (*alone, "sh", "-c", script, "sh", *scene.sandbox.command, "daemon", "status")
    scene.started()
    return scene.command(*hidden, HOME=os.devnull)


@brings(errors.FolderUnusable)
def _(scene: Scene) -> Result:
    """A disk that takes nothing, as far as this process can tell."""
    return scene.shell('ulimit -f 0; exec "$@"', "daemon", "start")


@brings(errors.SealedFileUnsafe)
def _(scene: Scene) -> Result:
    scene.started().chmod(0o644)
    return scene.run("daemon", "status")


@brings(errors.SealedFileTruncated)
def _(scene: Scene) -> Result:
    os.truncate(scene.started(), 10)
    return scene.run("sessions")


@brings(errors.SealedFileSwapped)
def _(scene: Scene) -> Result:
    settings = scene.started()
    settings.write_bytes(settings.with_name(names.RULES).read_bytes())
    return scene.run("usage")


@brings(errors.SealedFileReplayed)
def _(scene: Scene) -> Result:
    rules = scene.started().with_name(names.RULES)
    old = rules.read_bytes()
    scene.sandbox.ok("daemon", "restart")
    rules.write_bytes(old)
    return scene.run("doctor", "--json")


@brings(errors.SealedFileChanged)
def _(scene: Scene) -> Result:
    rules = scene.started().with_name(names.RULES)
    data = bytearray(rules.read_bytes())
    data[-1] ^= 1
    rules.write_bytes(data)
    return scene.run("doctor", "--json")


@brings(errors.SealedFileForeign)
def _(scene: Scene) -> Result:
    settings = scene.started()
    data = bytearray(settings.read_bytes())
    data[40] ^= 1
    settings.write_bytes(data)
    return scene.run("notes")


@brings(errors.SealedPayloadInvalid)
def _(scene: Scene) -> Result:
    payload = json.dumps({"format": 1, "instance": "0" * 32}).encode()
    settings = scene.started()
    settings.write_bytes(seal(payload, names.SETTINGS, scene.sandbox.identity()))
    return scene.run("budget")


@brings(errors.DaemonError)
def _(scene: Scene) -> Result:
    """What answers knows the token, but is no daemon in order."""
    with _broken_daemon(scene.sandbox):
        return scene.run("sessions")


@brings(errors.DaemonNotRunning)
def _(scene: Scene) -> Result:
    return scene.run("usage", "--json")


@brings(errors.DaemonUnresponsive)
def _(scene: Scene) -> Result:
    scene.started()
    daemon = psutil.Process(scene.sandbox.sealed().settings.pid)
    daemon.suspend()
    try:
        return scene.run("sessions")
    finally:
        daemon.resume()


@brings(errors.DaemonAlreadyRunning)
def _(scene: Scene) -> Result:
    scene.started()
    return scene.run("daemon", "start", "--port", str(free_port()))


@brings(errors.PortTaken)
def _(scene: Scene) -> Result:
    with socket.create_server(("127.0.0.1", 0)) as other:
        return scene.run("daemon", "start", "--port", str(other.getsockname()[1]))


@brings(errors.ClaudeNotFound)
def _(scene: Scene) -> Result:
    return scene.run("-p", "x", CCO_CLAUDE=str(scene.folder / "absent/claude"))


@brings(errors.ClaudeNotExecutable)
def _(scene: Scene) -> Result:
    scene.claude.path.chmod(0o644)
    return scene.run("-p", "x", CCO_CLAUDE=str(scene.claude.path))


@brings(errors.ClaudeTooOld)
def _(scene: Scene) -> Result:
    package = {"name": "@anthropic-ai/claude-code", "version": "2.1.39"}
    scene.claude.path.with_name("package.json").write_text(json.dumps(package))
    return scene.run("-p", "x", CCO_CLAUDE=str(scene.claude.path))


@brings(errors.DemoFailed)
def _(scene: Scene) -> Result:
    """A client that speaks to no model."""
    return scene.run("demo", CCO_CLAUDE=str(scene.claude.path), CCO_PORT=str(scene.sandbox.port))


@brings(errors.InstallFailed)
def _(scene: Scene) -> Result:
    place = scene.folder / "bin/cco"
    place.parent.mkdir(parents=True)
    place.write_text("somebody else's\n")
    result = scene.run("install", "--prefix", str(scene.folder))
    assert place.read_text() == "somebody else's\n"
    return result


@brings(errors.Defect)
def _(scene: Scene) -> Result:
    program = copied_program(scene.sandbox, scene.folder)
    with_a_defect(program)
    return scene.command(*program.command, "agents", "list")


@brings(errors.SystemRefused)
def _(scene: Scene) -> Result:
    """An event that does not fit into the memory that there is."""
    inside = {"ORCHESTRATOR_ENABLED": "true"}
    script = 'ulimit -v 40000; exec "$@"'
    return scene.shell(script, "hook", "Stop", stdin=bytes(31_000_000), **inside)


@brings(errors.OutputFailed)
def _(scene: Scene) -> Result:
    return scene.shell('exec "$@" > /dev/full', "agents", "list")


@contextmanager
def _broken_daemon(sandbox: Sandbox) -> Iterator[None]:
    """A server that proves that it knows the token and then answers nonsense."""
    import hmac

    token = "a-token-of-no-daemon"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _, _, challenge = self.path.partition("/health?challenge=")
            proof = hmac.new(token.encode(), bytes.fromhex(challenge), "sha256").hexdigest()
            body = json.dumps({"proof": proof}).encode() if challenge else b"nonsense"
            self.send_response(200 if challenge else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        settings = {
            "api_url": f"http://localhost:{port}",
            "port": port,
            "pid": os.getpid(),
            "token": token,
            "version": "0",
            "created_at": "2026-01-01T00:00:00+00:00",
            "roster": [],
            "policy": {},
        }
        texts = dict.fromkeys(COMPACTION_TEXTS, "")
        members: dict[str, dict[str, Any]] = {
            names.AGENTS: {"agents": []},
            names.RULES: {"rules": ""},
            names.HOOKS: texts,
        }
        write_set(sandbox.temp, sandbox.identity(), settings, members)
        yield
        server.shutdown()
