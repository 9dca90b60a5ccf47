"""The three manifests of a winget package."""

from __future__ import annotations

import time
from collections.abc import Mapping

from release.checksums import digest_in
from release.names import PLATFORMS, PUBLISHER, REPOSITORY, download_url

from packing.template import render

IDENTIFIER = f"{PUBLISHER}.cco"
KINDS = ("", ".installer", ".locale.en-US")
"""What follows the identifier in the names of the files."""


def manifests(version: str, checksums: Mapping[str, str], time_s: int) -> Mapping[str, str]:
    """Render the manifests from a release's checksums.

    Shapes: -> file name to text; winget-pkgs wants them in one folder of the version's name.
    Raises: ReleaseError, if the archive is missing.
    """
    platform = PLATFORMS["windows-x86_64"]
    archive = platform.archive(version)
    common = {"IDENTIFIER": IDENTIFIER, "VERSION": version}
    values = {
        "": common,
        ".installer": {
            **common,
            "URL": download_url(version, archive),
            "SHA256": digest_in(checksums, archive).upper(),
            "FOLDER": platform.folder(version),
            "DATE": time.strftime("%Y-%m-%d", time.gmtime(time_s)),
        },
        ".locale.en-US": {**common, "PUBLISHER": PUBLISHER, "REPOSITORY": REPOSITORY},
    }
    return {
        f"{IDENTIFIER}{kind}.yaml": render(f"winget/cco{kind}.yaml.in", values[kind])
        for kind in KINDS
    }
