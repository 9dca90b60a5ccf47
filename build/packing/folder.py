"""The folder form of the program: the very files that the single file carries."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

from freezing.payload import archive_in
from release.errors import ReleaseError

ROOT = Path(__file__).parent.parent.parent
MANUAL = "share/man/man1/cco.1"


def unpack_program(program: Path, into: Path) -> None:
    """Put the program's folder at `into`, from the single file or from a folder that was frozen.

    Raises: ReleaseError.
    """
    if program.is_dir():
        shutil.copytree(program, into, symlinks=True)
        return
    try:
        packed = archive_in(program.read_bytes())
    except ValueError as error:
        raise ReleaseError(f"{program}: {error}") from None
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(into)  # noqa: S202  # our own archive: payload.archive made it


def stage(program: Path, into: Path) -> None:
    """The folder form as it is distributed: the program, its licence and its manual.

    Raises: ReleaseError.
    """
    from cco.cli.app import application
    from cco.cli.manual import manual_page

    unpack_program(program, into)
    shutil.copyfile(ROOT / "LICENSE", into / "LICENSE")
    manual = into / MANUAL
    manual.parent.mkdir(parents=True)
    manual.write_text(manual_page(application), encoding="utf-8")
