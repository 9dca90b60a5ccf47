"""Mach-O files in small, and a stand-in for codesign that signs as the real one lays things out."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

_HEADER = struct.Struct("<IiiIIIII")
_SEGMENT = struct.Struct("<II16sQQQQiiII")
_SECTION = struct.Struct("<16s16sQQ8I")
_SYMTAB = struct.Struct("<IIIIII")
_SIGNATURE = struct.Struct("<IIII")
_LC_SEGMENT_64, _LC_SYMTAB, _LC_CODE_SIGNATURE = 0x19, 0x2, 0x1D
REFUSAL = "main executable failed strict validation"
_ROOM_BYTES = 1024
"""For load commands, before the contents begin."""


def program(contents: bytes) -> bytes:
    """A thin arm64 executable: __TEXT with the contents, then __LINKEDIT with a string table."""
    strings = b"\0_main\0\0"
    text = contents + b"\0" * (-len(contents) % 16)
    begin = _ROOM_BYTES + len(text)
    section = _SECTION.pack(
        *(b"__text", b"__TEXT", 0x100000000 + _ROOM_BYTES, len(text), _ROOM_BYTES),
        *(0, 0, 0, 0, 0, 0, 0),
    )
    commands = [
        _segment(b"__TEXT", 0, begin, section),
        _segment(b"__LINKEDIT", begin, len(strings)),
        _SYMTAB.pack(_LC_SYMTAB, _SYMTAB.size, begin, 0, begin, len(strings)),
    ]
    body = b"".join(commands)
    header = _HEADER.pack(0xFEEDFACF, 0x0100000C, 0, 2, len(commands), len(body), 0x85, 0)
    return (header + body).ljust(_ROOM_BYTES, b"\0") + text + strings


def _segment(name: bytes, offset: int, size: int, section: bytes = b"") -> bytes:
    rounded = -(-size // 0x4000) * 0x4000
    fields = _SEGMENT.pack(
        *(_LC_SEGMENT_64, _SEGMENT.size + len(section), name, 0x100000000 + offset, rounded),
        *(offset, size, 7, 1, 1 if section else 0, 0),
    )
    return fields + section


def commands(data: bytes) -> dict[str, tuple[int, ...]]:
    """Where things are. Shapes: name -> place of the command in the file, file offset, size."""
    found: dict[str, tuple[int, ...]] = {}
    place = _HEADER.size
    for _ in range(_HEADER.unpack_from(data)[4]):
        command, length = struct.unpack_from("<II", data, place)
        if command == _LC_SEGMENT_64:
            fields = _SEGMENT.unpack_from(data, place)
            found[fields[2].rstrip(b"\0").decode()] = (place, fields[5], fields[6])
        elif command == _LC_SYMTAB:
            fields = _SYMTAB.unpack_from(data, place)
            found["strings"] = (place, fields[4], fields[5])
        elif command == _LC_CODE_SIGNATURE:
            fields = _SIGNATURE.unpack_from(data, place)
            found["signature"] = (place, fields[2], fields[3])
        place += length
    return found


def without_signature(data: bytes) -> bytes:
    """Take the signature off, which is the last command and the end of the file.

    Raises: ValueError if something follows it.
    """
    place, offset, size = commands(data)["signature"]
    if offset + size != len(data):
        raise ValueError(REFUSAL)
    changed = bytearray(data[:offset])
    changed[place : place + _SIGNATURE.size] = bytes(_SIGNATURE.size)
    _count(changed, -1)
    _set_linkedit(changed, offset)
    return bytes(changed)


def signed(data: bytes, text: bytes) -> bytes:
    """Put a signature on: at the next multiple of 16, in __LINKEDIT, at the end of the file.

    Raises: ValueError for what codesign refuses: a file that goes on after its last segment.
    """
    known = commands(data)
    if "signature" in known:
        data = without_signature(data)
        known = commands(data)
    for name in ("__LINKEDIT", "strings"):
        _, offset, size = known[name]
        if not 0 <= len(data) - offset - size < 16:  # room left by an earlier signature
            raise ValueError(REFUSAL)
    changed = bytearray(data + b"\0" * (-len(data) % 16))
    place = _HEADER.size + _HEADER.unpack_from(changed)[5]
    offset = len(changed)
    _SIGNATURE.pack_into(changed, place, _LC_CODE_SIGNATURE, _SIGNATURE.size, offset, len(text))
    _count(changed, 1)
    changed += text
    _set_linkedit(changed, len(changed))
    return bytes(changed)


def _count(data: bytearray, by: int) -> None:
    fields = list(_HEADER.unpack_from(data))
    fields[4] += by
    fields[5] += by * _SIGNATURE.size
    _HEADER.pack_into(data, 0, *fields)


def _set_linkedit(data: bytearray, end: int) -> None:
    place, offset, _ = commands(bytes(data))["__LINKEDIT"]
    fields = list(_SEGMENT.unpack_from(data, place))
    fields[6] = end - offset
    _SEGMENT.pack_into(data, place, *fields)


def codesign(arguments: list[str], asked: Path) -> int:
    """Do what codesign does, and write down what it was asked. Shapes: -> exit status."""
    with asked.open("a") as file:
        file.write(json.dumps(["codesign", *arguments]) + "\n")
    path = Path(arguments[-1])
    data = path.read_bytes()
    if data[:4] != b"\xcf\xfa\xed\xfe":
        return 0  # a disk image
    try:
        if "--remove-signature" in arguments:
            path.write_bytes(without_signature(data))
        elif "--sign" in arguments:
            path.write_bytes(signed(data, json.dumps(arguments).encode()))
        elif "signature" not in commands(data):
            raise ValueError("code object is not signed at all")
    except ValueError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(codesign(sys.argv[1:], Path(__file__).with_name("asked")))
