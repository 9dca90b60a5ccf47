"""What a release is called, and whether the sources agree with it.

    python build/release/version.py check v1.2.3    cco/build_info.py and CHANGELOG.md agree with it
    python build/release/version.py notes v1.2.3    what CHANGELOG.md says of it

`check` prints `version=` and `prerelease=` as lines for $GITHUB_OUTPUT.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from cco.build_info import VERSION  # noqa: E402
from release.errors import ReleaseError, run  # noqa: E402

CHANGELOG = ROOT / "CHANGELOG.md"
_TAG = re.compile(r"v((?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-(?:alpha|beta|rc)\.[1-9]\d*)?)")
_HEADING = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<date>\S+))?[ \t]*$", re.M)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="What a release is called.")
    parser.add_argument("action", choices=["check", "notes"])
    parser.add_argument("tag", help="such as v1.2.3, or v1.3.0-rc.1 for a pre-release")
    options = parser.parse_args(arguments)

    def work() -> None:
        version = check(options.tag, VERSION, CHANGELOG.read_text(encoding="utf-8"))
        if options.action == "notes":
            print(notes(version, CHANGELOG.read_text(encoding="utf-8")))
        else:
            print(f"version={version}\nprerelease={str('-' in version).lower()}")

    return run("version", work)


def version_of(tag: str) -> str:
    """Take the version out of a tag.

    Raises: ReleaseError for anything but `v` and a version as we write them.
    """
    match = _TAG.fullmatch(tag)
    if match is None:
        raise ReleaseError(
            f"{tag[:80]!r} is no tag of a release",
            "Tags are v1.2.3, and v1.3.0-rc.1 (or alpha, beta) for a pre-release.",
        )
    return match[1]


def check(tag: str, source_version: str, changelog: str) -> str:
    """Hold tag, sources and changelog against each other.

    Shapes: -> the version.
    Raises: ReleaseError, naming what differs.
    """
    version = version_of(tag)
    if version != source_version:
        raise ReleaseError(
            f"the tag says {version}, cco/build_info.py says {source_version}",
            "Change VERSION there and tag the commit that has it.",
        )
    notes(version, changelog)
    return version


def notes(version: str, changelog: str) -> str:
    """Find what the changelog says of a version.

    Raises: ReleaseError if it says nothing, or says it twice, or has no date for it.
    """
    headings = list(_HEADING.finditer(changelog))
    found = [index for index, heading in enumerate(headings) if heading["name"] == version]
    if len(found) != 1:
        raise ReleaseError(
            f"CHANGELOG.md has {len(found) or 'no'} sections for {version}",
            f"Head what is new with `## [{version}] - <date>`, once.",
        )
    heading = headings[found[0]]
    try:
        date.fromisoformat(heading["date"] or "")
    except ValueError:
        raise ReleaseError(
            f"CHANGELOG.md has no date for {version}",
            f"Write `## [{version}] - <year>-<month>-<day>`.",
        ) from None
    following = headings[found[0] + 1 :]
    end = following[0].start() if following else len(changelog)
    text = changelog[heading.end() : end].strip()
    if not re.search(r"^- \S", text, re.M):
        raise ReleaseError(f"CHANGELOG.md says nothing of {version}", "List what has changed.")
    return text


if __name__ == "__main__":
    raise SystemExit(main())
