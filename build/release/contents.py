"""Open what is released and look inside: single files, archives of the folder, Debian packages."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from freezing.payload import archive_in, read_trailer

from release.errors import ReleaseError

_PROGRAMS = ("cco", "cco.exe")
_PARTS = "_internal"


@dataclass(frozen=True)
class Contents:
    """The frozen program's folder, and the launcher in front of it where there is one."""

    program: bytes
    files: Mapping[str, bytes]
    """What is in the folder beside the program, by path relative to it."""
    launcher: bytes | None = None

    def modules(self) -> frozenset[str]:
        """Name every Python module that PyInstaller has packed into program and base library."""
        from PyInstaller.archive.readers import CArchiveReader

        names = set()
        with tempfile.TemporaryDirectory(prefix="cco-contents-") as scratch:
            path = Path(scratch, "program")
            path.write_bytes(self.program)
            archive = CArchiveReader(str(path))
            for entry in archive.toc:
                if entry.startswith("PYZ"):
                    names |= set(archive.open_embedded_archive(entry).toc)
        base = self.files.get(f"{_PARTS}/base_library.zip")
        if base is not None:
            with zipfile.ZipFile(io.BytesIO(base)) as library:
                names |= {
                    str(PurePosixPath(name).with_suffix("")).replace("/", ".")
                    for name in library.namelist()
                }
        if not names:
            raise ReleaseError("the program holds no Python modules", "Was it frozen by us?")
        return frozenset(names)


def read_contents(path: Path) -> Contents:
    """Open an artefact.

    Raises: ReleaseError if it is none of ours.
    """
    launcher = None
    try:
        if path.suffix == ".zip":
            files = _from_zip(path)
        elif path.suffix == ".deb":
            files = _from_tar(_data_of_package(path))
        elif path.suffixes[-2:] == [".tar", ".gz"]:
            files = _from_tar(path.read_bytes())
        else:
            single_file = path.read_bytes()
            launcher = single_file[: read_trailer(single_file).offset]
            files = _from_tar(archive_in(single_file))
    except (OSError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise ReleaseError(f"{path} cannot be opened: {error}") from None
    return _program_in(files, path, launcher)


def _program_in(files: Mapping[str, bytes], path: Path, launcher: bytes | None) -> Contents:
    """Find the program: the one that has its parts beside it."""
    for name in sorted(files):
        folder = PurePosixPath(name).parent
        if PurePosixPath(name).name in _PROGRAMS:
            beside = "" if str(folder) == "." else f"{folder}/"
            if any(other.startswith(f"{beside}{_PARTS}/") for other in files):
                inside = {
                    other.removeprefix(beside): body
                    for other, body in files.items()
                    if other.startswith(beside) and other != name
                }
                return Contents(files[name], inside, launcher)
    raise ReleaseError(f"{path} does not hold the frozen program")


def _from_tar(archive: bytes) -> dict[str, bytes]:
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        for member in members:
            body = members.extractfile(member) if member.isreg() else None
            if body is not None:
                files[member.name.removeprefix("./")] = body.read()
    return files


def _from_zip(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as members:
        return {
            member.filename: members.read(member)
            for member in members.infolist()
            if not member.is_dir()
        }


def _data_of_package(path: Path) -> bytes:
    dpkg_deb = shutil.which("dpkg-deb")
    if dpkg_deb is None:
        raise ReleaseError(f"dpkg-deb is missing, which opens {path.name}")
    done = subprocess.run([dpkg_deb, "--fsys-tarfile", str(path)], capture_output=True, check=False)
    if done.returncode != 0:
        raise ReleaseError(f"{path} cannot be opened: {done.stderr.decode().strip()}")
    return done.stdout
