"""Who this is: the machine, the account, and the build."""

from __future__ import annotations

import os
import re
import sys
from _thread import allocate_lock
from pathlib import Path
from typing import NamedTuple

from cco import build_info
from cco.errors import CcoError, FolderUnusable, MachineIdUnavailable
from cco.folders import data_folder, make_folders
from cco.sealing.keys import Identity
from cco.sealing.locks import Lock
from cco.sealing.private_files import read_private, write_private

FALLBACK_FILE = "machine-id"
OF_SYSTEM = "operating system"
FALLBACK_BYTES = 32
_NOT_YET_MADE = "uninitialized"  # what systemd puts into images, the same for all
_LOCK_TIMEOUT_S = 10.0
_MACOS_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_path_lock = allocate_lock()


class MachineId(NamedTuple):
    """A machine id and where it was found."""

    value: str
    source: str
    """`operating system`, or the path of the random id kept in its place."""


def machine_id() -> MachineId:
    """Find the id of this machine; keep a random one where the system has none.

    Raises: MachineIdUnavailable.
    """
    value = _id_of_system()
    if value is not None:
        return MachineId(value, OF_SYSTEM)
    path = fallback_path()
    return MachineId(_kept_id(path), str(path))


def known_machine_id() -> MachineId | None:
    """The id that `machine_id` would find without making one; None where it would make one.

    Raises: MachineIdUnavailable.
    """
    value = _id_of_system()
    if value is not None:
        return MachineId(value, OF_SYSTEM)
    path = fallback_path()
    return MachineId(_kept_id(path), str(path)) if os.path.lexists(path) else None


def fallback_path() -> Path:
    """Where the random id is kept.

    Raises: MachineIdUnavailable, for an account without a home.
    """
    try:
        return data_folder() / FALLBACK_FILE
    except CcoError as error:
        raise MachineIdUnavailable(f"this machine has no id, and {error}") from None


def _id_of_system() -> str | None:
    import machineid

    try:
        value = _id_on_macos() if sys.platform == "darwin" else machineid.id()
    except (machineid.MachineIdNotFound, UnicodeDecodeError):
        return None
    return value if value and value != _NOT_YET_MADE else None


def _id_on_macos() -> str:
    """Ask with the system's own PATH: the library runs `ioreg` by its name, which is in /usr/sbin.

    With another PATH it would find none, or one of somebody else's, and this would be another
    machine than it is for the daemon.
    """
    import machineid

    with _path_lock:
        path = os.environ.get("PATH")
        os.environ["PATH"] = _MACOS_PATH
        try:
            return machineid.id()
        finally:
            if path is None:
                del os.environ["PATH"]
            else:
                os.environ["PATH"] = path


def _kept_id(path: Path) -> str:
    """Read the random id, making it first if need be; all who ask at once get the same one."""
    try:
        if not os.path.lexists(path):
            _create_id(path)
        value = read_private(path, limit_bytes=4096).decode("ascii").strip()
    except (CcoError, OSError, UnicodeDecodeError) as error:
        raise MachineIdUnavailable(
            f"this machine has no id, and a random one cannot be kept in {path}: {error}"
        ) from None
    if not re.fullmatch(f"[0-9a-f]{{{2 * FALLBACK_BYTES}}}", value):
        raise MachineIdUnavailable(
            f"{path} does not hold an id that cco made", advice="Remove that file."
        )
    return value


def _create_id(path: Path) -> None:
    make_folders(path.parent)
    with Lock(path.with_name(f"{path.name}.lock")) as lock:
        if not lock.acquire(_LOCK_TIMEOUT_S):
            raise FolderUnusable(f"{path} has been locked for {_LOCK_TIMEOUT_S:.0f} s")
        if not os.path.lexists(path):
            write_private(path, os.urandom(FALLBACK_BYTES).hex().encode() + b"\n")


def username() -> str:
    """The name of this process's account, as the operating system has it.

    Never from the environment. An account without a name (a container's bare uid) is `uid-<n>`.
    """
    if sys.platform == "win32":
        from cco.sealing.windows_acl import account_name

        return account_name()
    import pwd

    uid = os.geteuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"
    # `pwd` decoded the name by the locale, which is the environment's: back to its bytes, as UTF-8
    return os.fsencode(name).decode(errors="surrogateescape")


def current_identity() -> Identity:
    """The identity that every key of this process is bound to.

    Raises: MachineIdUnavailable.
    """
    return Identity(machine_id().value, username(), build_info.current().secret)
