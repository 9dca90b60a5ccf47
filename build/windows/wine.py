"""Windows in small: wine in a Debian of its own, with a Python for Windows.

Everything that runs there ends with it, and what it changes is gone with it, the registry included.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from platforms import rootfs
from platforms.errors import PlatformError
from platforms.kept import draft_of
from platforms.machine import Bind, Machine

from windows import python

ROOT = python.ROOT
SUITE = "trixie"
PACKAGES = ("wine", "wine64")
PYTHON = "Z:\\python\\python.exe"
_WINE = "/usr/lib/wine/wine64"  # the one on PATH wants a 32-bit half as well, and says so
_KEPT_PREFIX, _PREFIX = "/prefix", "/wine"
_BASE = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=", "HOME": "/root"}


class Windows:
    """One Windows, from `with Windows() as windows:` to the end of that block.

    Folders of this machine are seen under the same path on drive Z:. Python imports from the
    checkout as well, if one is given.
    """

    def __init__(
        self,
        *,
        read: Sequence[Path] = (),
        write: Sequence[Path] = (),
        checkout: Path | None = None,
        account: str = "root",
    ) -> None:
        binds = [Bind(_made_prefix(), _KEPT_PREFIX), Bind(python.make(), "/python")]
        if checkout is not None:
            binds.append(Bind(checkout, f"/{python.CHECKOUT}"))
        binds += [Bind(path, str(path)) for path in read]
        binds += [Bind(path, str(path), writable=True) for path in write]
        self._account = account
        self._machine = Machine(_rootfs(), binds=binds)

    def __enter__(self) -> Windows:
        machine = self._machine.__enter__()
        try:
            machine.ok("sh", "-ec", _COPY_ON_WRITE)
            machine.ok("sh", "-ec", _NAME_ACCOUNT, "sh", self._account)
            _warm_up(machine, _PREFIX)
        except BaseException:
            self._machine.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._machine.__exit__(kind, error, traceback)

    def start(
        self, *command: str, env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> subprocess.Popen[str]:
        """Start a program of Windows' and leave it running."""
        environment = {**_environment(_PREFIX), **(env or {})}
        return self._machine.start(_WINE, *command, env=environment, cwd=cwd)


def path(path: Path) -> str:
    """How Windows writes a path of this machine."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


_COPY_ON_WRITE = f"""
mkdir -p /tmp/wine/upper /tmp/wine/work {_PREFIX}
mount -t overlay -o lowerdir={_KEPT_PREFIX},upperdir=/tmp/wine/upper,workdir=/tmp/wine/work \
    overlay {_PREFIX}
"""

_NAME_ACCOUNT = 'sed -i "1s/^[^:]*:/$1:/" /etc/passwd'


def _rootfs() -> Path:
    return rootfs.make(SUITE, "amd64", PACKAGES)


def _made_prefix() -> Path:
    """The folder of a fresh Windows, as wine makes it."""
    debian = _rootfs()
    digest = hashlib.sha256(f"{debian.name} {Path(__file__).read_text()}".encode())
    folder = python.KEPT / f"prefix-{digest.hexdigest()[:12]}"
    with draft_of(folder) as draft:
        if draft is not None:
            with Machine(debian, binds=[Bind(draft, _KEPT_PREFIX, writable=True)]) as machine:
                environment = _environment(_KEPT_PREFIX)
                machine.ok(_WINE, "wineboot", "--init", env=environment)
                machine.ok("wineserver", "--wait", env=environment)
            if not (draft / "system.reg").exists():
                raise PlatformError("wine has made no Windows")
    return folder


def _environment(prefix: str) -> dict[str, str]:
    return {**_BASE, "WINEPREFIX": prefix}


def _warm_up(machine: Machine, prefix: str) -> None:
    """Start what all programs share: it would hold the pipes of the first of them open."""
    script = f"wineserver --persistent; {_WINE} cmd /c exit"
    machine.ok("sh", "-c", f"({script}) >/dev/null 2>&1 </dev/null", env=_environment(prefix))
