"""A machine of somebody's: a bare Debian, no Python, no network, an account, and the one file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platforms.machine import Machine, Result

from tests.conftest import wait_until

HOME = "/home/ada"
CCO = f"{HOME}/cco"
PROJECT = f"{HOME}/project"
MACHINE_ID = "/etc/machine-id"
TIMEOUT_S = 120

_FAKE_CLAUDE = """#!/bin/sh
# Writes down how it was started, waits if it is told to, ends as it is told.
[ "$1" = --version ] && { echo "0.0.0 (a stand-in for Claude Code)"; exit; }
tr '\\0' '\\n' < /proc/$$/environ > ~/environ
printf '%s\\n' "$@" > ~/arguments
ls -l /proc/$$/fd > ~/fds
echo $$ > ~/pid.draft && mv ~/pid.draft ~/pid
[ -p ~/gate ] && read -r line < ~/gate
exit 42
"""


@dataclass
class Place:
    """cco as `ada` has it: one file in her home folder, run by her."""

    machine: Machine
    user: str

    def run(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Result:
        """Run cco to its end."""
        return self.machine.run(
            CCO,
            *arguments,
            user=self.user,
            env={"HOME": HOME, **(env or {})},
            cwd=PROJECT,
            stdin=stdin,
            timeout_s=TIMEOUT_S,
        )

    def ok(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
        """Run cco, demand success and a silent stderr, and return what it printed."""
        result = self.run(*arguments, stdin=stdin, env=env)
        assert (result.code, result.err) == (0, ""), result
        return result.out

    def shell(self, script: str) -> str:
        """Run a shell script as ada and return what it printed."""
        return self.machine.ok("bash", "-c", script, user=self.user, env={"HOME": HOME}, cwd=HOME)

    def status(self) -> dict[str, Any]:
        """What the daemon says of itself."""
        document: dict[str, Any] = json.loads(self.ok("daemon", "status", "--json"))
        return document

    def only_process(self) -> tuple[int, list[str]]:
        """The one process there is, once those that started it are gone: pid, command line."""
        wait_until(lambda: len(self.machine.processes()) == 1, "one process that stays")
        ((pid, line),) = self.machine.processes().items()
        return pid, line

    def temp_names(self) -> list[str]:
        """Everything in the temp folder."""
        return sorted(self.shell("ls -A /tmp").split())

    def add_fake_claude(self) -> None:
        """Put a stand-in for Claude Code on the PATH."""
        path = self.machine.path("/usr/local/bin/claude")
        path.write_text(_FAKE_CLAUDE)
        path.chmod(0o755)

    def noted(self, name: str) -> list[str]:
        """The lines that the stand-in for Claude Code has written down."""
        return self.machine.path(f"{HOME}/{name}").read_text().splitlines()


@contextmanager
def place_on(rootfs: Path, binary: Path, *, machine_id: bool) -> Iterator[Place]:
    """Bring the binary, and nothing else, to a new machine; what runs there ends with the block."""
    with Machine(rootfs) as machine:
        user = machine.add_user("ada")
        identity = machine.path(MACHINE_ID)
        identity.unlink(missing_ok=True)
        if machine_id:
            identity.write_text("0123456789abcdef0123456789abcdef\n")
        shutil.copyfile(binary, machine.path(CCO))
        machine.path(CCO).chmod(0o755)
        place = Place(machine, user)
        place.shell(f"mkdir {PROJECT}")
        yield place
