"""Where a smoke test runs its commands: on this machine, or in a container that has nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from release.errors import ReleaseError

TIMEOUT_S = 120


class Here:
    """This machine, with an environment that holds nothing of the person's who runs it."""

    reaches_loopback = True

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        if sys.platform == "win32":
            for name in ("SYSTEMROOT", "PATHEXT", "COMSPEC"):
                self._environment[name] = os.environ.get(name, "")
            self._environment["PATH"] = str(Path(os.environ["SYSTEMROOT"], "System32"))
        else:
            self._environment["PATH"] = "/usr/bin:/bin:/usr/sbin:/sbin"

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return _run(command, self._environment)

    def is_alive(self, pid: int) -> bool:
        """Whether a process runs; one that only waits for its parent to notice does not."""
        if sys.platform == "win32":
            listed = self.run("tasklist", "/FI", f"PID eq {pid}", "/FO", "CSV", "/NH")
            return f'"{pid}"' in listed.stdout
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        with suppress(OSError):  # where there is a /proc
            return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
        return True

    def kill(self, pid: int) -> None:
        """End a process."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)

    def close(self) -> None:
        """Nothing to do."""


class Container:
    """A fresh container without network, in which an unprivileged user runs the commands.

    Raises: ReleaseError if Docker cannot start it.
    """

    reaches_loopback = False

    def __init__(self, image: str, environment: Mapping[str, str], shared: Path) -> None:
        docker = shutil.which("docker")
        if docker is None:
            raise ReleaseError("docker is missing")
        self._docker = docker
        options = ["--rm", "--init", "--network=none", f"--user={os.getuid()}:{os.getgid()}"]
        options += [f"--volume={shared}:{shared}", f"--workdir={shared}"]
        options += [f"--env={name}={value}" for name, value in environment.items()]
        command = [docker, "run", "--detach", *options, image, "sleep", "600"]
        started = _run(command, os.environ)
        if started.returncode != 0:
            raise ReleaseError(f"{image} does not start: {started.stderr.strip()}")
        self._id = started.stdout.strip()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return _run([self._docker, "exec", self._id, *command], os.environ)

    def is_alive(self, pid: int) -> bool:
        """Whether a process runs; one that only waits for its parent to notice does not."""
        script = f"kill -0 {int(pid)} && ! grep -q '^State:.Z' /proc/{int(pid)}/status"
        return self.run("sh", "-c", script).returncode == 0

    def kill(self, pid: int) -> None:
        """End a process."""
        self.run("sh", "-c", f"kill -9 {int(pid)}")

    def close(self) -> None:
        """End the container and all that is in it."""
        _run([self._docker, "kill", self._id], os.environ)


def _run(
    command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseError(f"{command[0]} does not run: {error}") from None
