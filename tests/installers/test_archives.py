"""Archives of the folder form: complete, runnable, and the same bytes whenever they are made."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from freezing.payload import archive_in
from packing.archive import make_archive, zip_archive
from release.errors import ReleaseError
from release.names import PLATFORMS

from cco.build_info import VERSION
from tests.installers.conftest import TIME_S

LINUX = PLATFORMS["linux-x86_64"]
WINDOWS = PLATFORMS["windows-x86_64"]


def test_the_archive_holds_the_single_files_program(binary: Path, archive: Path) -> None:
    assert archive.name == f"cco-{VERSION}-linux-x86_64.tar.gz"
    with tarfile.open(archive) as tar:
        members = {member.name: member for member in tar}
        top = f"cco-{VERSION}-linux-x86_64"
        assert all(name == top or name.startswith(f"{top}/") for name in members)
        assert {f"{top}/{name}" for name in ("cco", "LICENSE", "share/man/man1/cco.1")} <= set(
            members
        )
        for member in members.values():
            assert (member.uid, member.gid, member.uname, member.mtime) == (0, 0, "", TIME_S)
            assert member.mode == (0o755 if member.isdir() or member.mode & 0o100 else 0o644)
        program = tar.extractfile(f"{top}/cco")
        assert program
        digest = hashlib.sha256(program.read()).digest()
    data = binary.read_bytes()
    packed = archive_in(data)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        inside = tar.extractfile("cco")
        assert inside
        assert hashlib.sha256(inside.read()).digest() == digest


def test_it_runs_from_where_it_is_unpacked_and_writes_nothing(
    archive: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    program = tmp_path / f"cco-{VERSION}-linux-x86_64" / "cco"
    told = subprocess.check_output([program, "version"], env={"HOME": str(home)}, text=True)
    assert told.startswith(f"cco {VERSION} ")
    assert list(home.iterdir()) == []


def test_the_same_input_gives_the_same_bytes(
    archive: Path, folder_form: Path, tmp_path: Path
) -> None:
    """From the single file as well as from the folder that it carries."""
    again = make_archive(folder_form, LINUX, VERSION, tmp_path, TIME_S, level=1)
    assert again.read_bytes() == archive.read_bytes()
    later = make_archive(folder_form, LINUX, VERSION, tmp_path, TIME_S + 60, level=1)
    assert later.read_bytes() != archive.read_bytes()


def test_a_zip_for_windows(tmp_path: Path) -> None:
    program = tmp_path / "frozen"
    (program / "_internal/größe").mkdir(parents=True)
    (program / "cco.exe").write_bytes(b"MZ")
    (program / "cco.exe").chmod(0o755)
    (program / "_internal/größe/data").write_bytes(b"x" * 1000)
    path = make_archive(program, WINDOWS, VERSION, tmp_path / "out", TIME_S, level=1)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        top = f"cco-{VERSION}-windows-x86_64"
        assert set(archive.namelist()) == {
            f"{top}/cco.exe",
            f"{top}/_internal/größe/data",
            f"{top}/LICENSE",
            f"{top}/share/man/man1/cco.1",
        }
        assert {info.date_time for info in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}
    assert path.read_bytes() == zip_archive(_unzipped(path, tmp_path / "again"), TIME_S, 1)


def _unzipped(path: Path, into: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(into)
    for program in into.rglob("cco.exe"):
        program.chmod(0o755)  # zipfile restores no modes
    return into


@pytest.mark.parametrize("cut", [0, 1, 40, 1000])
def test_a_damaged_single_file_is_refused(binary: Path, tmp_path: Path, cut: int) -> None:
    damaged = tmp_path / "cco"
    data = binary.read_bytes()
    damaged.write_bytes(data[:-cut] if cut else data[:-5000] + data[-56:])
    with pytest.raises(ReleaseError):
        make_archive(damaged, LINUX, VERSION, tmp_path / "out", TIME_S, level=1)
