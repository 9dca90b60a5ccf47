"""Archives of the folder form: equal contents give equal bytes, whoever makes them and when."""

from __future__ import annotations

import gzip
import io
import tempfile
import time
import zipfile
from pathlib import Path

from freezing.payload import archive as tar_archive
from release.names import Platform

from packing.folder import stage


def make_archive(
    program: Path, platform: Platform, version: str, out: Path, time_s: int, *, level: int = 9
) -> Path:
    """Make the archive of a platform from its single file or frozen folder; -> its path.

    Shapes: level is that of the compression, 0 to 9.
    Raises: ReleaseError.
    """
    with tempfile.TemporaryDirectory(prefix="cco-archive-") as scratch:
        staged = Path(scratch)
        stage(program, staged / platform.folder(version))
        pack = zip_archive if platform.os == "windows" else tar_gz
        contents = pack(staged, time_s, level)
    out.mkdir(parents=True, exist_ok=True)
    path = out / platform.archive(version)
    path.write_bytes(contents)
    return path


def tar_gz(folder: Path, time_s: int, level: int) -> bytes:
    """Archive what is in a folder; every entry belongs to root and is of one time."""
    return gzip.compress(tar_archive(folder, time_s=time_s), level, mtime=0)


def zip_archive(folder: Path, time_s: int, level: int) -> bytes:
    """Archive what is in a folder, files only, every entry of one time (UTC)."""
    date = time.gmtime(time_s)[:6]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
            if path.is_file():
                info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date)
                info.create_system = 3  # as on POSIX, so that modes are kept
                info.external_attr = (0o100755 if path.stat().st_mode & 0o100 else 0o100644) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, path.read_bytes(), compresslevel=level)
    return buffer.getvalue()
