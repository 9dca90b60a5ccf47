"""Who this is: the machine, the account, and the build."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cco import build_info
from cco.config import data_folder
from cco.errors import CcoError, MachineIdUnavailable
from cco.sealing.keys import Identity

FALLBACK_FILE = "machine-id"
FALLBACK_BYTES = 32


@dataclass(frozen=True)
class MachineId:
    """A machine id and where it was found."""

    value: str
    source: str
    """`operating system`, or the path of the random id kept in its place."""


def machine_id() -> MachineId:
    """Find the id of this machine; keep a random one where the system has none.

    Raises: MachineIdUnavailable.
    """
    import machineid

    try:
        value = machineid.id()
    except machineid.MachineIdNotFound:
        value = ""
    if value:
        return MachineId(value, "operating system")
    try:
        path = data_folder() / FALLBACK_FILE
    except CcoError as error:
        raise MachineIdUnavailable(f"this machine has no id, and {error}") from None
    return MachineId(_kept_id(path), str(path))


def _kept_id(path: Path) -> str:
    """Read the random id, making it first if need be; all who ask at once get the same one."""
    from cco.sealing.private_files import read_private

    try:
        if not os.path.lexists(path):
            _create_id(path)
        value = read_private(path, limit_bytes=4096).decode("ascii").strip()
    except (CcoError, OSError, UnicodeDecodeError) as error:
        raise MachineIdUnavailable(
            f"this machine has no id, and a random one cannot be kept in {path}: {error}"
        ) from None
    if len(value) != 2 * FALLBACK_BYTES:
        raise MachineIdUnavailable(
            f"{path} does not hold an id that cco made", advice="Remove that file."
        )
    return value


def _create_id(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    fd = os.open(draft, flags, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(os.urandom(FALLBACK_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            if sys.platform == "win32":
                os.rename(draft, path)
            else:
                os.link(draft, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft)


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
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid-{uid}"


def current_identity() -> Identity:
    """The identity that every key of this process is bound to.

    Raises: MachineIdUnavailable.
    """
    return Identity(machine_id().value, username(), build_info.current().secret)
