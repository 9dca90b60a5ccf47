"""A machine with two accounts: one that uses cco, and one that is up to no good."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from cco.sealing import names
from cco.sealing.envelope import unseal
from cco.sealing.sealed_set import SealedSet, parse_settings
from tests.conftest import BINARY, SOURCE, Sandbox

OWNER = 47_111
ATTACKER = 47_112
"""Two accounts without a name: nothing has to be made for them."""
needs_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can act as other accounts"
)
_Result = TypeVar("_Result")


@dataclass
class SharedMachine(Sandbox):
    """A sandbox whose cco runs as an unprivileged account, with a temp folder for everybody."""

    account = OWNER

    def __post_init__(self) -> None:
        super().__post_init__()
        for folder in (self.home, self.project):
            os.chown(folder, OWNER, OWNER)
            folder.chmod(0o700)
        self.temp.chmod(0o1777)

    def environment(self, **more: str) -> dict[str, str]:
        cache = {"XDG_CACHE_HOME": str(self.home / ".cache")} if self.frozen else {}
        return super().environment(**{**cache, **more})

    @property
    def private(self) -> Path:
        """Where the files go if somebody holds their names."""
        return self.temp / f"cco-{OWNER}"

    @property
    def own(self) -> Path:
        """Where they go if that is no place either."""
        return self.home / ".local/state/cco/temp"

    def sealed(self) -> SealedSet:
        folders = (self.temp, self.private, self.own)
        folder = next(one for one in folders if _belongs_to_owner(one / names.SETTINGS))
        identity = self.identity()
        payload = unseal((folder / names.SETTINGS).read_bytes(), names.SETTINGS, identity)
        return SealedSet(folder, identity, parse_settings(json.loads(payload)))

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.ours())

    def ours(self) -> list[Path]:
        """Everything in the temp folder that is the owner's, at any depth."""
        return [path for path in self.temp.rglob("*") if path.lstat().st_uid == OWNER]


def _belongs_to_owner(path: Path) -> bool:
    return os.path.lexists(path) and path.lstat().st_uid == OWNER


@pytest.fixture
def machine() -> Iterator[SharedMachine]:
    """A machine for two, with cco in one form: frozen where the binary is there."""
    if sys.platform == "win32" or os.geteuid() != 0:
        pytest.skip("only root can act as other accounts")
    root = Path(tempfile.mkdtemp(prefix="cco-shared-"))
    root.chmod(0o755)
    try:
        if BINARY is None:
            place = SharedMachine(root / "box", SOURCE, frozen=False)
        else:
            program = root / "cco"
            shutil.copy(BINARY, program)
            place = SharedMachine(root / "box", (str(program),), frozen=True)
        result = place.run("version")
        if result.code != 0:  # a checkout in a home that others may not enter
            pytest.skip(f"another account cannot run cco here: {result.err}")
        yield place
        place.close()
    finally:
        shutil.rmtree(root)


def as_account(uid: int, act: Callable[[], _Result]) -> _Result:
    """Do something as another account, in a process of its own; raises what that raises."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _end_as(uid, writing, act)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    done, result = pickle.loads(told)  # noqa: S301  # from our own child
    if not done:
        raise result
    return result  # type: ignore[no-any-return]


def _end_as(uid: int, writing: int, act: Callable[[], object]) -> NoReturn:
    try:
        become(uid)
        try:
            told = pickle.dumps((True, act()))
        except Exception as error:
            told = pickle.dumps((False, error))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(told)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def become(uid: int) -> None:
    """Give up everything that this process may do beyond an account."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


@contextmanager
def busy_account(uid: int, act: Callable[[], object]) -> Iterator[None]:
    """Have another account do something again and again meanwhile."""
    pid = os.fork()
    if pid == 0:
        try:
            become(uid)
            while True:
                act()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    try:
        yield
        assert os.waitpid(pid, os.WNOHANG) == (0, 0), "the attacker gave up early"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
