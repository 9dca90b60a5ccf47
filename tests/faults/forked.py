"""cco in a forked child of the tests, so that it can be killed or held at any step it takes.

What a step is, Python's audit events say: each file that is opened to be written, renamed, locked
or removed, each folder made, each port bound, each program started. The product knows nothing of
it, and a child costs no imports, so that every single step can be tried.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cco.config import load_config
from cco.daemon import server
from tests.conftest import Sandbox, has_ended, wait_until

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_STEPS = frozenset(
    """
    os.rename os.remove os.rmdir os.mkdir os.truncate os.chmod fcntl.flock socket.bind
    socket.connect subprocess.Popen os.exec
    """.split()
)
_RANDOM = re.compile(r"\.?[0-9a-f]{16}(?=\.)")
_STUB = re.compile(r"^[a-z0-9-]+\.md$")

Hook = Callable[[str], None]
"""Told each step, just before it is taken."""


def label_of(event: str, arguments: tuple[Any, ...]) -> str | None:
    """What a step is called, the same in every run; None for what is no step."""
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, int) or not isinstance(flags, int) or not flags & _WRITING:
            return None
        return f"open {_name(path)}"
    if event not in _STEPS:
        return None
    first = arguments[0] if arguments else ""
    if event in ("fcntl.flock", "os.chmod", "os.truncate") and isinstance(first, int):
        try:
            first = os.readlink(f"/proc/self/fd/{first}")
        except OSError:
            first = ""
    return event if event.startswith(("socket", "subprocess")) else f"{event} {_name(first)}"


def _name(path: object) -> str:
    """The last part of a path, without what is drawn at random."""
    name = _RANDOM.sub(".*", os.path.basename(os.fsdecode(str(path).removesuffix(" (deleted)"))))
    return "*.md" if _STUB.match(name) else name


def start(sandbox: Sandbox, act: Callable[[], object], hook: Hook | None = None) -> int:
    """Run something of cco's in a child, as a process of the sandbox's; returns its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        environ = sandbox.environment()
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(sandbox.project)
        os.setsid()
        out = os.open(sandbox.root / "forked.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream in (1, 2):
            os.dup2(out, stream)
        if hook is not None:
            told = hook
            sys.addaudithook(lambda event, arguments: _tell(told, event, arguments))
        act()
        os._exit(0)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(99)


def _tell(hook: Hook, event: str, arguments: tuple[Any, ...]) -> None:
    label = label_of(event, arguments)
    if label is not None:
        hook(label)


def killed_at(label: str, number: int) -> Hook:
    """Kill the process just before it takes a step for the n-th time, counted from 1."""
    left = [number]

    def hook(step: str) -> None:
        if step == label:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


def daemon(ready: Path | None = None) -> Callable[[], None]:
    """The daemon's whole life; it makes a file once it serves."""

    def serve() -> None:
        server.run(load_config(), None, lambda started: ready.touch() if ready else None)

    return serve


def end(pid: int) -> int | None:
    """Ask a daemon to end; returns its exit code, None if it was killed over it."""
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: has_ended(pid), "the daemon's end")
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return ended.si_status if ended is not None and ended.si_code == os.CLD_EXITED else None


def wait(pid: int) -> int:
    """Collect a child; returns its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def wait_for(pid: int, what: Path) -> None:
    """Wait until a child has made a file, or has ended over it."""
    wait_until(lambda: what.exists() or has_ended(pid), f"{what.name} of a forked child")


@contextmanager
def serving(sandbox: Sandbox, hook: Hook | None = None) -> Iterator[int]:
    """A forked daemon that serves; ended at the end if it still lives."""
    ready = sandbox.root / "ready"
    ready.unlink(missing_ok=True)
    pid = start(sandbox, daemon(ready), hook)
    try:
        wait_for(pid, ready)
        yield pid
    finally:
        if not has_ended(pid):
            os.kill(pid, signal.SIGKILL)
        wait(pid)
