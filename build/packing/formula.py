"""The Homebrew formula."""

from __future__ import annotations

from collections.abc import Mapping

from release.checksums import digest_in
from release.names import PLATFORMS, REPOSITORY, download_url

from packing.template import render

_PLACES = {
    "MACOS_ARM": "macos-arm64",
    "MACOS_INTEL": "macos-x86_64",
    "LINUX_ARM": "linux-aarch64",
    "LINUX_INTEL": "linux-x86_64",
}


def formula(version: str, checksums: Mapping[str, str]) -> str:
    """Render the formula from a release's checksums.

    Raises: ReleaseError, if an archive is missing.
    """
    values = {"VERSION": version, "REPOSITORY": REPOSITORY}
    for place, key in _PLACES.items():
        name = PLATFORMS[key].archive(version)
        values[f"{place}_URL"] = download_url(version, name)
        values[f"{place}_SHA256"] = digest_in(checksums, name)
    return render("homebrew/cco.rb.in", values)
