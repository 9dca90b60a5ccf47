"""Small single files for the launcher's tests: the real launcher in front of a payload of ours."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from freezing.payload import assemble, read_trailer

REPORT = b"""#!/bin/sh
printf '%s\\0' "$CCO_EXECUTABLE" "$$" "$@"
"""
TIMEOUT_S = 60


@dataclass(frozen=True)
class Member:
    """One entry of a payload; `kind` is a type of tarfile."""

    name: str
    body: bytes = b""
    mode: int = 0o644
    kind: bytes = tarfile.REGTYPE
    link: str = ""


@dataclass
class SingleFile:
    """A single file, and the home folder that it finds in its environment."""

    path: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def content_id(self) -> str:
        return read_trailer(self.path.read_bytes()).content_id

    @property
    def store(self) -> Path:
        """Where copies go when nothing is wrong."""
        return self.home / ".cache" / "cco"

    @property
    def copy(self) -> Path:
        return self.store / self.content_id

    def command_environment(self, **extra: str) -> dict[str, str]:
        base = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C"}
        return base | self.environment | extra

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.path, *arguments],
            env=self.command_environment(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [self.path, *arguments],
            env=self.command_environment(**extra),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )


def members_with(program: bytes = REPORT) -> list[Member]:
    """A program's folder in small, different each time so that no two tests share a content id."""
    return [
        Member("_internal", mode=0o755, kind=tarfile.DIRTYPE),
        Member("_internal/data", uuid.uuid4().bytes),
        Member("_internal/link", kind=tarfile.SYMTYPE, link="data"),
        Member("cco", program, 0o755),
    ]


def pack(members: Sequence[Member]) -> bytes:
    """Archive members as they are, allowed or not."""
    blocks = []
    for member in members:
        info = tarfile.TarInfo(member.name)
        info.type, info.mode, info.linkname = member.kind, member.mode, member.link
        info.size = len(member.body)
        blocks += [info.tobuf(tarfile.USTAR_FORMAT), member.body, b"\0" * (-len(member.body) % 512)]
    return b"".join([*blocks, bytes(1024)])


def report(result: subprocess.CompletedProcess[bytes]) -> list[bytes]:
    """What REPORT has printed: CCO_EXECUTABLE, its pid, its arguments."""
    assert result.returncode == 0, result.stderr.decode()
    return result.stdout.split(b"\0")[:-1]


def contents(folder: Path) -> Mapping[str, tuple[int, bytes]]:
    """Everything below a folder: mode and bytes (or link target) by path, the marker left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name == ".complete":
            continue
        if path.is_symlink():
            body = os.fsencode(os.readlink(path))
        else:
            body = path.read_bytes() if path.is_file() else b""
        found[path.relative_to(folder).as_posix()] = (path.lstat().st_mode, body)
    return found


def launcher_of(binary: Path) -> bytes:
    """Cut the launcher out of a real single file."""
    with io.FileIO(binary) as file:
        whole = file.readall()
    return whole[: read_trailer(whole).offset]


def write_single_file(path: Path, launcher: bytes, archive: bytes) -> None:
    path.write_bytes(assemble(launcher, archive))
    path.chmod(0o755)
