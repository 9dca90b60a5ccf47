"""A tag, cco/build_info.py and CHANGELOG.md must agree before anything is built."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from release.errors import ReleaseError
from release.version import check, notes, version_of

from cco.build_info import VERSION

ROOT = Path(__file__).parent.parent.parent
TWO = """# Changelog

## [Unreleased]

## [1.3.0] - 2026-03-01

### Added

- A thing.

### Fixed

- Another.

## [1.2.0] - 2026-02-01

- The start.
"""


def test_agreement_gives_the_version() -> None:
    assert check("v1.3.0", "1.3.0", TWO) == "1.3.0"


@pytest.mark.parametrize(
    "tag",
    [
        "1.3.0",
        "v1.3",
        "v1.3.0.0",
        "v01.3.0",
        "v1.3.0-rc",
        "v1.3.0-rc.0",
        "v1.3.0\n",
        "v1.3.0;id",
        "",
    ],
)
def test_other_tags_are_refused(tag: str) -> None:
    with pytest.raises(ReleaseError, match="no tag of a release"):
        version_of(tag)


def test_a_pre_release_has_a_tag() -> None:
    assert version_of("v2.0.0-rc.1") == "2.0.0-rc.1"


def test_another_version_in_the_sources_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"the tag says 1\.3\.0, cco/build_info.py says 1\.2\.0"):
        check("v1.3.0", "1.2.0", TWO)


@pytest.mark.parametrize(
    ("changelog", "fault"),
    [
        (TWO.replace("[1.3.0]", "[1.4.0]"), "no sections"),
        (TWO.replace("[1.2.0]", "[1.3.0]"), "2 sections"),
        (TWO.replace(" - 2026-03-01", ""), "no date"),
        (TWO.replace("2026-03-01", "2026-13-01"), "no date"),
        (TWO.replace("- A thing.", "").replace("- Another.", ""), "says nothing"),
    ],
)
def test_a_changelog_that_does_not_tell_is_refused(changelog: str, fault: str) -> None:
    with pytest.raises(ReleaseError, match=fault):
        check("v1.3.0", "1.3.0", changelog)


def test_notes_are_the_section_and_nothing_else() -> None:
    assert notes("1.3.0", TWO) == "### Added\n\n- A thing.\n\n### Fixed\n\n- Another."
    assert notes("1.2.0", TWO) == "- The start."


def test_the_command_line_refuses_what_is_not_released_yet() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "build/release/version.py", "check", "v999.0.0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"cco/build_info.py says {VERSION}" in done.stderr
    assert done.stdout == ""


def test_our_own_version_can_be_a_tag() -> None:
    assert version_of(f"v{VERSION}") == VERSION


def test_our_changelog_keeps_what_is_new_first() -> None:
    headings = re.findall(r"^## .*$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[0] == "## [Unreleased]"
