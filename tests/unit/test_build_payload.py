"""The single file's format: deterministic archive, trailer with offset, length and content id."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest
from freezing import payload


def make_folder(folder: Path, *, time_s: int, names: list[str]) -> Path:
    (folder / "sub").mkdir(parents=True)
    for name in names:
        path = folder / name
        path.write_bytes(name.encode() * 100)
        path.chmod(0o700 if name == "cco" else 0o600)
        os.utime(path, (time_s, time_s))
    (folder / "link").symlink_to("sub/b")
    return folder


def test_equal_contents_give_equal_archives(tmp_path: Path) -> None:
    names = ["cco", "sub/a", "sub/b"]
    first = make_folder(tmp_path / "first", time_s=1_000_000_000, names=names)
    second = make_folder(tmp_path / "second", time_s=1_500_000_000, names=names[::-1])
    assert payload.archive(first, time_s=7) == payload.archive(second, time_s=7)
    assert payload.archive(first, time_s=7) != payload.archive(first, time_s=8)


def test_an_archive_is_what_tar_reads(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "folder", time_s=5, names=["cco", "sub/a", "sub/b"])
    packed = payload.archive(folder, time_s=1_234_567_890)
    assert len(packed) % 512 == 0
    assert packed[-1024:] == bytes(1024)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == ["cco", "link", "sub", "sub/a", "sub/b"]
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members} == {
        (0, 0, "", 1_234_567_890)
    }
    modes = {member.name: member.mode for member in members}
    assert modes == {"cco": 0o755, "link": 0o777, "sub": 0o755, "sub/a": 0o644, "sub/b": 0o644}


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="neither file, folder nor symlink"):
        payload.archive(tmp_path, time_s=0)


def test_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    (tmp_path / ("n" * 120)).touch()
    with pytest.raises(ValueError, match="long"):
        payload.archive(tmp_path, time_s=0)


def test_the_trailer_describes_the_payload() -> None:
    single_file = payload.assemble(b"MZ launcher", b"archive" * 50)
    trailer = payload.read_trailer(single_file)
    packed = single_file[trailer.offset : trailer.offset + trailer.length]
    assert payload.archive_in(single_file) == b"archive" * 50
    assert trailer.content_id == hashlib.sha256(packed).hexdigest()[:32]
    assert single_file[: trailer.offset].rstrip(b"\0") == b"MZ launcher"
    assert len(single_file) % 8 == 0
    assert single_file[-56:-48] == b"CCOPACK1"
    assert int.from_bytes(single_file[-48:-40], "little") == trailer.offset
    assert int.from_bytes(single_file[-40:-32], "little") == len(packed)
    assert single_file[-32:].decode() == trailer.content_id


def test_a_damaged_payload_is_refused() -> None:
    single_file = payload.assemble(b"launcher", os.urandom(1_000))
    middle = payload.read_trailer(single_file).offset + 500
    spoilt = single_file[:middle] + bytes([single_file[middle] ^ 1]) + single_file[middle + 1 :]
    with pytest.raises(ValueError, match="damaged"):
        payload.archive_in(spoilt)


@pytest.mark.parametrize("spoilt", [b"", b"short", b"x" * 100])
def test_what_is_no_single_file_is_refused(spoilt: bytes) -> None:
    with pytest.raises(ValueError, match="not a single file"):
        payload.read_trailer(spoilt)


def test_an_incomplete_single_file_is_refused() -> None:
    whole = payload.assemble(b"launcher", b"archive")
    for spoilt in (whole[1:], whole + b"x", whole[:-1]):
        with pytest.raises(ValueError, match="not a single file"):
            payload.read_trailer(spoilt)
