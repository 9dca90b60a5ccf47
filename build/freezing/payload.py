"""The single file: launcher, packed program, trailer. What launcher/launcher.c reads."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import tarfile
from dataclasses import dataclass
from pathlib import Path

import zstandard

MAGIC = b"CCOPACK1"
_TRAILER = struct.Struct("<8sQQ32s")
TRAILER_BYTES = _TRAILER.size
_BLOCK_BYTES = 512
_LEVEL = 19
_MACH_MAGIC = 0xFEEDFACF
_MACH_HEADER = struct.Struct("<I12xI12x")
_LOAD_COMMAND = struct.Struct("<III")
_LC_CODE_SIGNATURE = 0x1D
_WORD_BYTES = 8
_WINDOWS = b"MZ"


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
    """Put the single file together; for Windows in whole words, as signing would fill up the last.
    (Not for macOS: nothing may follow the signature that a launcher has from its linker.)"""
    payload = _compress(packed_archive)
    if launcher.startswith(_WINDOWS):
        launcher += b"\0" * (-(len(launcher) + len(payload) + _TRAILER.size) % _WORD_BYTES)
    content_id = hashlib.sha256(payload).hexdigest()[:32].encode()
    return launcher + payload + _TRAILER.pack(MAGIC, len(launcher), len(payload), content_id)


def archive_in(single_file: bytes) -> bytes:
    """The archive that a single file carries.

    Raises: ValueError if it is no single file, or damaged.
    """
    trailer = read_trailer(single_file)
    payload = single_file[trailer.offset : trailer.offset + trailer.length]
    try:
        return zstandard.ZstdDecompressor().decompress(payload)
    except zstandard.ZstdError as error:
        raise ValueError(f"its payload is damaged: {error}") from None


def _compress(data: bytes) -> bytes:
    """One frame with a checksum, the same bytes whoever makes it with the locked version."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(data)


def read_trailer(single_file: bytes) -> Trailer:
    """Find the payload in a single file: its trailer ends the file, or a signature follows it.

    Raises: ValueError if it is none, or incomplete.
    """
    for end in (len(single_file), start_of_signature(single_file)):
        if end is None or end < _TRAILER.size:
            continue
        magic, offset, length, content_id = _TRAILER.unpack_from(single_file, end - _TRAILER.size)
        if magic == MAGIC and offset + length + _TRAILER.size == end:
            return Trailer(offset, length, content_id.decode("ascii"))
    raise ValueError("not a single file made by this build, or incomplete")


def start_of_signature(file: bytes) -> int | None:
    """Where the code signature of a thin 64-bit Mach-O file begins; None for other files.

    Source: Apple's <mach-o/loader.h>: mach_header_64, load_command, LC_CODE_SIGNATURE.
    """
    if len(file) < _MACH_HEADER.size:
        return None
    magic, commands = _MACH_HEADER.unpack_from(file)
    place = _MACH_HEADER.size
    while magic == _MACH_MAGIC and commands > 0 and place + _LOAD_COMMAND.size <= len(file):
        command, length, offset = _LOAD_COMMAND.unpack_from(file, place)
        if command == _LC_CODE_SIGNATURE:
            return int(offset) if offset <= len(file) else None
        place, commands = place + max(length, 8), commands - 1
    return None
