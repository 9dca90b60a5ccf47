"""A machine in small: a root file system with processes, mounts and network of its own.

Everything that is mounted or started there is in namespaces that end with the machine, however it
ends: nothing of it can stay behind, not even after a `kill -9`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from platforms import tools
from platforms.errors import PlatformError

TIMEOUT_S = 600
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_HOLDER = Path(__file__).parent / "machine.sh"
_MOUNT_POINT = Path(__file__).resolve().parent.parent.parent / ".cache" / "machine"
"""An empty folder, on which each machine has its files: nobody else sees those."""
_ROOT = _MOUNT_POINT / "root"


@dataclass(frozen=True)
class Bind:
    """A file or folder of this machine's that is to be seen inside."""

    outside: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True)
class Result:
    """What a command inside printed and how it ended."""

    code: int
    out: str
    err: str


class Machine:
    """One machine, from `with Machine(rootfs) as machine:` to the end of that block.

    Its files are the root file system's, copy on write: what is changed is gone with the machine.
    With `writable` the folder itself is changed. Without `network` there is loopback only, and
    nobody else's loopback.
    """

    def __init__(
        self,
        rootfs: Path,
        *,
        network: bool = False,
        writable: bool = False,
        binds: Sequence[Bind] = (),
    ) -> None:
        self._rootfs = rootfs.resolve()
        self._network = network
        self._writable = writable
        self._binds = binds

    def __enter__(self) -> Machine:
        tools.demand_root()
        tools.demand("unshare", "nsenter", "ip")
        _MOUNT_POINT.mkdir(parents=True, exist_ok=True)
        self._holder = subprocess.Popen(
            self._holder_command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        line = self._holder.stdout.readline()
        if not line:
            _, errors = self._holder.communicate()
            raise PlatformError(f"cannot set up a machine on {self._rootfs}:\n{errors.strip()}")
        self.init_pid = int(line)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._holder.communicate()

    def _holder_command(self) -> list[str]:
        command = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork"]
        command += ["--kill-child", *([] if self._network else ["--net"])]
        command += ["bash", str(_HOLDER), str(self._rootfs), str(_MOUNT_POINT)]
        command += ["writable" if self._writable else "kept"]
        command += ["shared" if self._network else "none"]
        for bind in self._binds:
            command += [str(bind.outside.resolve()), bind.inside, "rw" if bind.writable else "ro"]
        return command

    def run(
        self,
        *command: str,
        user: str = "0:0",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        stdin: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> Result:
        """Run a command inside to its end, in a clean environment.

        Shapes: user is `uid:gid`.
        Raises: subprocess.TimeoutExpired.
        """
        process = self.start(*command, user=user, env=env, cwd=cwd)
        try:
            out, err = process.communicate(stdin, timeout_s)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        return Result(process.returncode, out, err)

    def start(
        self,
        *command: str,
        user: str = "0:0",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
    ) -> subprocess.Popen[str]:
        """Start a command inside and leave it running."""
        inside = ["chroot", f"--userspec={user}", "--groups=", str(_ROOT)]
        return subprocess.Popen(
            [*self._enter(), *inside, "/usr/bin/env", f"--chdir={cwd}", *command],
            env={"PATH": PATH, "LC_ALL": "C.UTF-8", **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def ok(
        self,
        *command: str,
        user: str = "0:0",
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        timeout_s: float = TIMEOUT_S,
    ) -> str:
        """Run a command inside, demand success, and return what it printed.

        Raises: PlatformError with its last words.
        """
        result = self.run(*command, user=user, env=env, cwd=cwd, timeout_s=timeout_s)
        if result.code != 0:
            last_words = "\n".join((result.out + result.err).strip().splitlines()[-15:])
            raise PlatformError(f"exit status {result.code} from {command[0]} inside\n{last_words}")
        return result.out

    def add_user(self, name: str, uid: int = 1000) -> str:
        """Give the machine an ordinary account with a home folder of its own.

        Shapes: -> `uid:gid`, for `run`.
        """
        home = f"/home/{name}"
        script = (
            'printf "%s:x:%s:%s::%s:/bin/sh\\n" "$1" "$2" "$2" "$3" >> /etc/passwd && '
            'printf "%s:x:%s:\\n" "$1" "$2" >> /etc/group && '
            'mkdir -m 700 "$3" && chown "$2:$2" "$3"'
        )
        self.ok("sh", "-c", script, "sh", name, str(uid), home)
        return f"{uid}:{uid}"

    def path(self, inside: str) -> Path:
        """Where this machine sees a file of the inside. Not for paths through absolute symlinks."""
        return Path(f"/proc/{self.init_pid}/root{_ROOT}", inside.lstrip("/"))

    def processes(self) -> dict[int, list[str]]:
        """What runs inside, but for the process that holds the machine.

        Shapes: -> command line by outer pid; without zombies, whose command line is empty.
        """
        namespace = os.readlink(f"/proc/{self.init_pid}/ns/pid")
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "ns" / "pid") == namespace:
                    found[int(entry.name)] = _strings(entry / "cmdline")
            except OSError:
                continue  # it has ended meanwhile
        return {pid: line for pid, line in found.items() if line and pid != self.init_pid}

    def _enter(self) -> list[str]:
        flags = ["--mount", "--pid", *([] if self._network else ["--net"])]
        return ["nsenter", f"--target={self.init_pid}", *flags, "--"]


def _strings(path: Path) -> list[str]:
    """The zero-terminated strings of a file in /proc."""
    return os.fsdecode(path.read_bytes()).split("\0")[:-1]
