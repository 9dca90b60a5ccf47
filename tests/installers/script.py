"""Run installers/install.sh under a shell, with nothing of the environment but what is given."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import Folders, Result, finish

SCRIPT = Path(__file__).parents[2] / "installers" / "install.sh"
SHELLS = {"dash": ["dash"], "busybox": ["busybox", "sh"], "bash": ["bash", "--posix"]}
PLATFORM = f"linux-{platform.machine()}"
TOOLS = "sh rm cp chmod mkdir mktemp tr uname getconf ldd cat curl wget sha256sum env ls id".split()
STAND_IN = b"""#!/bin/sh
# Stands in for the program: notes how it was run, and copies itself as `cco install` does.
printf '%s\\n' "$*" >> "$STAND_IN_LOG"
[ -z "$STAND_IN_FAILS_AT" ] || [ "$STAND_IN_FAILS_AT" != "$1" ] || { echo "no such luck"; exit 77; }
[ "$1 $2" = "install --uninstall" ] && { rm "$0"; exit; }
prefix=$HOME/.local
[ "$2" != --prefix ] || prefix=$3
[ "$1" != install ] || { mkdir -p "$prefix/bin" && cp "$0" "$prefix/bin/cco"; }
"""


@dataclass
class Machine(Folders):
    """A home, a temp folder and a PATH with just some tools."""

    shell: str
    tools: list[str] = field(default_factory=lambda: list(TOOLS))
    stubs: dict[str, str] = field(default_factory=dict)
    """Scripts in the place of tools."""

    def __post_init__(self) -> None:
        for folder in (self.home, self.temp, self.cwd):
            folder.mkdir(parents=True)
        self.stubs["sudo"] = f'#!/bin/sh\ntouch "{self.root}/sudo was run"\n'

    @property
    def cwd(self) -> Path:
        return self.root / "cwd"

    @property
    def log(self) -> Path:
        """What the stand-in notes down."""
        return self.root / "log"

    @property
    def ran(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def path(self) -> str:
        """A folder with the tools that this machine has."""
        folder = self.root / "bin"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for tool in self.tools:
            found = shutil.which(tool)
            assert found, f"{tool} is not on this machine"
            (folder / tool).symlink_to(found)
        for name, script in self.stubs.items():
            (folder / name).unlink(missing_ok=True)
            (folder / name).write_text(script)
            (folder / name).chmod(0o755)
        return str(folder)

    def environment(self, base: str, **more: str | None) -> dict[str, str]:
        """Variables; None takes one away."""
        variables: Mapping[str, str | None] = {
            "HOME": str(self.home),
            "PATH": self.path(),
            "TMPDIR": str(self.temp),
            "STAND_IN_LOG": str(self.log),
            "CCO_RELEASE_BASE": base,
            **more,
        }
        return {name: text for name, text in variables.items() if text is not None}

    def start(
        self, base: str, arguments: Iterable[str] = (), **more: str | None
    ) -> subprocess.Popen[bytes]:
        """Start the script, in a process group of its own."""
        shell, *options = SHELLS[self.shell]
        program = shutil.which(shell)
        assert program
        return subprocess.Popen(
            [program, *options, str(SCRIPT), *arguments],
            env=self.environment(base, **more),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, base: str, *arguments: str, **more: str | None) -> Result:
        """Run the script to its end, and see that it has cleaned up."""
        (result,) = finish(self.start(base, arguments, **more))
        assert os.listdir(self.temp) == [], "something was left in the temp folder"
        assert not list(self.root.rglob(".cco-install.*")), "the candidate was left"
        assert not (self.root / "sudo was run").exists()
        return result

    def untouched(self) -> bool:
        """Whether nothing was run and nothing was put into home."""
        return self.ran == [] and list(self.home.rglob("*")) == []
