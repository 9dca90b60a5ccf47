"""Have Apple check a signed single file, and make the disk image that carries the ticket.

    python build/macos/notarise.py --identity IDENTITY FILE

Submits what is in FILE.tar.gz beside it, the same program as a folder: the payload of a single file
is closed to the notary. A ticket cannot be stapled to a bare program, so FILE.dmg is made with the
single file in it, signed, submitted and stapled. NOTARY_KEY holds an App Store Connect API key
(.p8, base64); NOTARY_KEY_ID and NOTARY_ISSUER name it.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from release.errors import ReleaseError  # noqa: E402

from macos.tools import run, with_identity  # noqa: E402

WAIT = "45m"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    return with_identity(
        "notarise", notarise, arguments, about="Have Apple check a signed single file."
    )


def notarise(file: Path, identity: str) -> None:
    """Submit the program in all its forms, and make the disk image beside it.

    Raises: ReleaseError, with the notary's own list of what is wrong.
    """
    image = file.with_name(f"{file.name}.dmg")
    with tempfile.TemporaryDirectory(prefix="cco-notarise-") as scratch:
        place = Path(scratch)
        credentials = _credentials(place)
        _submit(_zip_of_folder(file, place), credentials)
        _make_image(file, image, place)
        run("codesign", "--force", "--sign", identity, "--timestamp", str(image))
        run("codesign", "--verify", "--strict", str(image))
        _submit(image, credentials)
    run("xcrun", "stapler", "staple", str(image))
    run("xcrun", "stapler", "validate", str(image))
    run(
        *("spctl", "--assess", "--type", "open", "--context", "context:primary-signature"),
        *("--verbose", str(image)),
    )


def _credentials(place: Path) -> list[str]:
    """Put the key into a file that only this user can read, and that goes with `place`."""
    names = ("NOTARY_KEY", "NOTARY_KEY_ID", "NOTARY_ISSUER")
    values = {name: os.environ.get(name, "") for name in names}
    missing = [name for name in names if not values[name]]
    if missing:
        raise ReleaseError(f"not set: {', '.join(missing)}", "They are of the release environment.")
    try:
        key = base64.b64decode("".join(values["NOTARY_KEY"].split()), validate=True)
    except binascii.Error:
        raise ReleaseError("NOTARY_KEY is not base64") from None
    path = place / "key.p8"
    path.touch(mode=0o600)
    path.write_bytes(key)
    return [
        *("--key", str(path)),
        *("--key-id", values["NOTARY_KEY_ID"]),
        *("--issuer", values["NOTARY_ISSUER"]),
    ]


def _zip_of_folder(file: Path, place: Path) -> Path:
    """The archive of the folder, in a form that the notary opens."""
    folder = place / "folder"
    with tarfile.open(file.with_name(f"{file.name}.tar.gz")) as members:
        members.extractall(folder)  # noqa: S202  # made by ourselves
    path = place / "folder.zip"
    run("ditto", "-c", "-k", "--keepParent", str(folder), str(path))
    return path


def _make_image(file: Path, image: Path, place: Path) -> None:
    source = place / "image"
    source.mkdir()
    shutil.copy2(file, source / "cco")
    shutil.copy2(ROOT / "LICENSE", source)
    options = ["-volname", "cco", "-srcfolder", str(source), "-format", "UDZO", "-ov"]
    run("hdiutil", "create", *options, str(image))


def _submit(path: Path, credentials: Sequence[str]) -> None:
    options = ["--wait", "--timeout", WAIT, "--output-format", "json"]
    answer = run("xcrun", "notarytool", "submit", str(path), *credentials, *options)
    try:
        told = json.loads(answer)
        status, submission = str(told["status"]), str(told["id"])
    except (ValueError, KeyError, TypeError):
        raise ReleaseError(f"the notary's answer is none: {answer[:500]}") from None
    if status != "Accepted":
        log = run("xcrun", "notarytool", "log", submission, *credentials)
        raise ReleaseError(f"the notary says {status} of {path.name}: {log[:5000]}")


if __name__ == "__main__":
    raise SystemExit(main())
