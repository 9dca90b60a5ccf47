"""Sign a single file, and everything inside it.

    python build/macos/sign.py --identity IDENTITY FILE

IDENTITY is the name or SHA-1 of a Developer ID Application certificate in a keychain of the search
list, or `-` to sign ad hoc, which is enough for machines that did not download the file with a
browser. The file is taken apart, its libraries and program are signed, and it is put together
again so that codesign covers the payload too: the payload becomes part of __LINKEDIT, and the
signature follows the trailer.
"""

from __future__ import annotations

import io
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from freezing.identity import identify  # noqa: E402
from freezing.payload import (  # noqa: E402
    MAGIC,
    TRAILER_BYTES,
    archive,
    archive_in,
    assemble,
    read_trailer,
    start_of_signature,
)
from release.errors import ReleaseError  # noqa: E402

from macos.tools import run, with_identity  # noqa: E402

ENTITLEMENTS = Path(__file__).parent / "entitlements.plist"
AD_HOC = "-"
IDENTIFIER = "dev.cco.cco"
_MACH_O = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""Thin 64-bit, and universal."""
_PROGRAM = "cco"
_SIGNATURE_ALIGNMENT = 16


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    return with_identity(
        "sign", sign, arguments, about="Sign a single file and everything inside it."
    )


def sign(file: Path, identity: str) -> None:
    """Replace a single file by a signed one.

    Raises: ReleaseError.
    """
    single_file = file.read_bytes()
    try:
        trailer, payload = read_trailer(single_file), archive_in(single_file)
    except ValueError as error:
        raise ReleaseError(f"{file}: {error}") from None
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".sign-") as scratch:
        folder = Path(scratch, "folder")
        with tarfile.open(fileobj=io.BytesIO(payload)) as members:
            members.extractall(folder)  # noqa: S202  # made by ourselves
        for path in _to_sign(folder):
            codesign(path, identity, entitlements=path.name == _PROGRAM)
        packed = archive(folder, time_s=identify(ROOT).time_s)
        draft = Path(scratch, file.name)
        draft.write_bytes(single_file)
        draft.chmod(0o755)
        _remove_signature(draft)  # of the whole, where it has been signed before
        draft.write_bytes(draft.read_bytes()[: trailer.offset])
        _remove_signature(draft)  # of the launcher, which its linker may have signed
        _append(draft, packed)
        codesign(draft, identity, entitlements=True)
        read_trailer(draft.read_bytes())
        draft.replace(file)


def codesign(path: Path, identity: str, *, entitlements: bool) -> None:
    """Sign one file, and verify it as strictly as a notary does.

    Raises: ReleaseError.
    """
    options = ["--force", "--sign", identity]
    if identity == AD_HOC:  # no hardened runtime: without a team no library would be its own
        options += ["--timestamp=none"]
    else:
        options += ["--timestamp", "--options", "runtime"]
        options += ["--entitlements", str(ENTITLEMENTS)] if entitlements else []
    if entitlements:
        options += ["--identifier", IDENTIFIER]
    run("codesign", *options, str(path))
    run("codesign", "--verify", "--strict", str(path))


def _to_sign(folder: Path) -> Iterator[Path]:
    """Every Mach-O file, what others load first and the program last."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) in _MACH_O:
                    found.append(path)
    if folder / _PROGRAM not in found:
        raise ReleaseError("the single file holds no program for macOS")
    return iter(sorted(found, key=lambda path: path == folder / _PROGRAM))


def _remove_signature(path: Path) -> None:
    data = path.read_bytes()
    start = start_of_signature(data)
    if start is not None and not _ends_with_trailer(data):
        run("codesign", "--remove-signature", str(path))


def _ends_with_trailer(data: bytes) -> bool:
    """Whether a single file was put together and not signed since, whatever its launcher was."""
    return data[-TRAILER_BYTES:].startswith(MAGIC)


def _append(launcher: Path, packed: bytes) -> None:
    """Append a payload to an unsigned launcher so that a signature can cover it.

    The signature starts at the next multiple of 16, which therefore is where the trailer ends.
    """
    from PyInstaller.utils.osx import fix_exe_for_code_signing

    bare = launcher.read_bytes()
    padding = -(len(bare) + len(assemble(b"", packed))) % _SIGNATURE_ALIGNMENT
    launcher.write_bytes(assemble(bare + b"\0" * padding, packed))
    fix_exe_for_code_signing(os.fspath(launcher))


if __name__ == "__main__":
    raise SystemExit(main())
