"""The single file: launcher, packed program, trailer. What launcher/launcher.c reads."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"CCOPACK1"
_TRAILER = struct.Struct("<8sQQ32s")
_BLOCK_BYTES = 512
_WORD_BYTES = 8


@dataclass(frozen=True)
class Trailer:
    """Where the payload lies in a single file. Shapes: content_id 32 lower-case hex."""

    offset: int
    length: int
    content_id: str


def archive(folder: Path, *, time_s: int) -> bytes:
    """Archive a folder so that equal contents give equal bytes, whoever does it and when.

    Shapes: -> ustar with files, folders and symlinks, sorted, ended by two empty blocks.
    Raises: ValueError for any other kind of file, and for names that ustar cannot hold.
    """
    parts = []
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        info = tarfile.TarInfo(path.relative_to(folder).as_posix())
        info.mtime = time_s
        status = path.lstat()
        body = b""
        if stat.S_ISLNK(status.st_mode):
            info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, os.readlink(path)
        elif stat.S_ISDIR(status.st_mode):
            info.type, info.mode = tarfile.DIRTYPE, 0o755
        elif stat.S_ISREG(status.st_mode):
            body = path.read_bytes()
            info.size, info.mode = len(body), 0o755 if status.st_mode & 0o100 else 0o644
        else:
            raise ValueError(f"{path} is neither file, folder nor symlink")
        parts += [info.tobuf(tarfile.USTAR_FORMAT), body, b"\0" * (-len(body) % _BLOCK_BYTES)]
    return b"".join([*parts, b"\0" * 2 * _BLOCK_BYTES])


def assemble(launcher: bytes, packed_archive: bytes) -> bytes:
    """Put the single file together, in whole words: signing on Windows fills up the last one."""
    payload = zlib.compress(packed_archive, 9)
    launcher += b"\0" * (-(len(launcher) + len(payload) + _TRAILER.size) % _WORD_BYTES)
    content_id = hashlib.sha256(payload).hexdigest()[:32].encode()
    return launcher + payload + _TRAILER.pack(MAGIC, len(launcher), len(payload), content_id)


def read_trailer(single_file: bytes) -> Trailer:
    """Find the payload in a single file.

    Raises: ValueError if it is none, or incomplete.
    """
    if len(single_file) < _TRAILER.size:
        raise ValueError("not a single file made by this build")
    magic, offset, length, content_id = _TRAILER.unpack(single_file[-_TRAILER.size :])
    if magic != MAGIC or offset + length + _TRAILER.size != len(single_file):
        raise ValueError("not a single file made by this build, or incomplete")
    return Trailer(offset, length, content_id.decode("ascii"))
