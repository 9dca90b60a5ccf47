"""Sealed files where they do not belong: of another account, machine or build, run, or name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import permutations

import pytest

from cco.errors import (
    SealedFileForeign,
    SealedFileSwapped,
    SealedFileTruncated,
    SealError,
)
from cco.sealing import names
from cco.sealing.envelope import unseal
from cco.sealing.journal import open_segments
from cco.sealing.keys import Identity
from cco.sealing.sealed_set import open_set
from tests.conftest import Sandbox
from tests.security.conftest import ATTACKER, SharedMachine, needs_root

FILES = (*names.SEALED, names.HISTORY)


def opened(data: bytes, name: str, identity: Identity) -> object:
    """What a file holds, whichever of the two formats it has."""
    if name == names.HISTORY:
        return list(open_segments(data, name, identity))
    return unseal(data, name, identity)


@pytest.mark.parametrize("name", FILES)
def test_no_other_machine_account_or_build_opens_a_file(daemon: Sandbox, name: str) -> None:
    identity = daemon.sealed().identity
    data = (daemon.temp / name).read_bytes()
    assert opened(data, name, identity)
    others = [
        identity._replace(machine_id=identity.machine_id + "0"),
        identity._replace(machine_id=identity.machine_id.upper() + " "),
        identity._replace(username=identity.username + "2"),
        identity._replace(username=""),
        identity._replace(build_secret=identity.build_secret + b"\0"),
        identity._replace(build_secret=bytes(32)),
        # the same bytes, divided differently
        identity._replace(
            machine_id=identity.machine_id + identity.username[:1],
            username=identity.username[1:],
        ),
    ]
    for other in others:
        with pytest.raises(SealedFileForeign):
            opened(data, name, other)


@pytest.mark.parametrize(("name", "other"), list(permutations(FILES, 2)))
def test_no_file_opens_under_another_name(daemon: Sandbox, name: str, other: str) -> None:
    data = (daemon.temp / other).read_bytes()
    refusals: tuple[type[SealError], ...] = (SealedFileSwapped, SealedFileForeign)
    if name == names.HISTORY:  # another file begins with a nonce, which may look like a length
        refusals = (SealedFileForeign, SealedFileTruncated)
    with pytest.raises(refusals):
        opened(data, name, daemon.sealed().identity)


@needs_root
def test_whoever_gets_hold_of_all_files_opens_none(machine: SharedMachine) -> None:
    """Another account, the same machine and program: the files are theirs now, and as they must
    be but for the key."""
    machine.ok("daemon", "start")
    stolen = machine.root / "stolen"
    stolen.mkdir()
    for path in machine.ours():
        if path.is_file() and path.parent == machine.temp:
            shutil.copy(path, stolen / path.name)
    for path in (stolen, *stolen.iterdir()):
        os.chown(path, ATTACKER, ATTACKER)
        path.chmod(0o700 if path.is_dir() else 0o600)
    home = machine.root / "thief"
    home.mkdir()
    os.chown(home, ATTACKER, ATTACKER)
    env = machine.environment(HOME=str(home), TMPDIR=str(stolen), XDG_CACHE_HOME=str(home))
    for arguments in (["daemon", "status"], ["sessions"], ["doctor"], ["usage", "--json"]):
        result = run_as_thief(machine, env, *arguments)
        assert result.returncode in (1, 6), result
        said = result.stdout + result.stderr
        assert b"opens with no key" in said or names.SETTINGS.encode() in said
        assert machine.sealed().settings.token.encode() not in said


def run_as_thief(
    machine: SharedMachine, env: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*machine.command, *arguments],
        env=env,
        cwd="/",
        capture_output=True,
        user=ATTACKER,
        group=ATTACKER,
        extra_groups=[],
        check=False,
    )


def test_every_mixture_with_an_earlier_run_is_refused(source_sandbox: Sandbox) -> None:
    """Old settings with new members, new with old: no set but a whole one is served."""
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    old = {name: (sandbox.temp / name).read_bytes() for name in FILES}
    sandbox.ok("daemon", "restart")
    new = {name: (sandbox.temp / name).read_bytes() for name in FILES}
    identity = sandbox.sealed().identity
    for first in (old, new):
        for name in names.MEMBERS:
            second = new if first is old else old
            mixed = sandbox.root / "mixed"
            mixed.mkdir()
            for one in FILES:
                path = mixed / one
                path.write_bytes((second if one == name else first)[one])
                path.chmod(0o600)
            with pytest.raises(SealError):
                open_set(mixed, identity).open_member(name)
            shutil.rmtree(mixed)


def test_an_old_history_is_not_taken_up(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart", "long-ago")
    sandbox.ok("daemon", "restart")
    old = (sandbox.temp / names.HISTORY).read_bytes()
    sandbox.ok("daemon", "stop")
    sandbox.ok("daemon", "start")
    sandbox.ok("daemon", "stop")
    path = sandbox.temp / names.HISTORY
    path.write_bytes(old)
    path.chmod(0o600)
    sandbox.ok("daemon", "start")
    assert json.loads(sandbox.ok("sessions", "--json"))["sessions"] == []
    assert "the history is refused" in sandbox.ok("daemon", "logs")
