"""Which files a release consists of, and whether a folder holds exactly those.

    python build/release/assets.py expected VERSION
    python build/release/assets.py collect VERSION FROM INTO    copy them together, add SHA256SUMS
    python build/release/assets.py verify VERSION FOLDER

With --notarised the release also has a disk image for each Mac, which carries Apple's ticket.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from release import checksums  # noqa: E402
from release.errors import ReleaseError, run  # noqa: E402
from release.names import CHECKSUMS, PARTS_SUFFIX, PLATFORMS  # noqa: E402

INSTALLERS = ("install.sh", "install.ps1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="Which files a release consists of.")
    parser.add_argument(
        "--notarised", action="store_true", help="expect the disk images that carry a ticket"
    )
    actions = parser.add_subparsers(dest="action", required=True)
    for action, folders in (("expected", ()), ("collect", ("from", "into")), ("verify", ("from",))):
        sub = actions.add_parser(action)
        sub.add_argument("version")
        for folder in folders:
            sub.add_argument(folder, type=Path)
    options = parser.parse_args(arguments)

    def work() -> None:
        names = expected(options.version, notarised=options.notarised)
        if options.action == "collect":
            collect(names, getattr(options, "from"), options.into)
        elif options.action == "verify":
            verify(names, getattr(options, "from"))
        else:
            print("\n".join(names))

    return run("assets", work)


def artefacts(version: str, target: str, *, notarised: bool = False) -> list[str]:
    """Name what is built for one target: the single file, the archive of the folder, packages."""
    platform = PLATFORMS[target]
    names = [platform.single_file(version), platform.archive(version)]
    if platform.os == "linux":
        names.append(platform.deb(version))
    if platform.os == "macos" and notarised:
        names.append(platform.image(version))
    return names


def expected(version: str, *, notarised: bool = False) -> list[str]:
    """Name every file of a release, checksums included, sorted."""
    names = [
        name for target in PLATFORMS for name in artefacts(version, target, notarised=notarised)
    ]
    parts = [name + PARTS_SUFFIX for name in names]
    return sorted([*names, *parts, *INSTALLERS, CHECKSUMS])


def collect(names: Sequence[str], source: Path, into: Path) -> None:
    """Copy a release's files into a new folder, from wherever in `source` they are.

    Raises: ReleaseError if any is missing, empty, there twice, or not expected, and if a list of
    parts is not that of the file it is named for.
    """
    found: dict[str, Path] = {}
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        if path.name in found:
            raise ReleaseError(f"{path.name} is there twice: {found[path.name]} and {path}")
        found[path.name] = path
    _demand(names, set(found) | {CHECKSUMS})
    if CHECKSUMS in found:
        raise ReleaseError(f"{found[CHECKSUMS]} is there before its time")
    into.mkdir(parents=True)
    for name, path in found.items():
        if path.stat().st_size == 0:
            raise ReleaseError(f"{path} is empty")
        shutil.copyfile(path, into / name)
    checksums.write(into, found)
    verify(names, into)


def verify(names: Sequence[str], folder: Path) -> None:
    """Demand that a folder holds a release's files, no others, unchanged.

    Raises: ReleaseError.
    """
    _demand(names, {path.name for path in folder.iterdir()})
    digests = checksums.verify(folder)
    _demand(names, set(digests) | {CHECKSUMS})
    for name in names:
        if name.endswith(PARTS_SUFFIX):
            _verify_parts(folder / name, digests[name.removesuffix(PARTS_SUFFIX)])


def _demand(names: Sequence[str], present: set[str]) -> None:
    missing, unknown = sorted(set(names) - present), sorted(present - set(names))
    if missing:
        raise ReleaseError(
            f"{len(missing)} of {len(names)} files are missing: {', '.join(missing)}",
            "Look at the build that should have made them; nothing is released without them.",
        )
    if unknown:
        raise ReleaseError(f"not part of a release: {', '.join(unknown)}")


def _verify_parts(path: Path, digest: str) -> None:
    """Demand that a list of parts names the SHA-256 of its file."""
    try:
        hashes = json.loads(path.read_bytes())["metadata"]["component"]["hashes"]
        named = [entry["content"] for entry in hashes if entry["alg"] == "SHA-256"]
    except (ValueError, LookupError, TypeError):
        named = []
    if named != [digest]:
        raise ReleaseError(
            f"{path.name} does not describe {path.name.removesuffix(PARTS_SUFFIX)}",
            "It was made for another build of it; make both again.",
        )


if __name__ == "__main__":
    raise SystemExit(main())
