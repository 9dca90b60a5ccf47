"""The names of a release's files, and where they can be downloaded.

    cco-<version>-<os>-<arch>[.exe]           the single file
    cco-<version>-<os>-<arch>.tar.gz, .zip    the folder form
    cco_<version>_<debarch>.deb
    cco-<version>-macos-<arch>.dmg            the single file in a notarised disk image
    <any of these>.cdx.json                   its list of parts
    SHA256SUMS

installers/install.sh and install.ps1 know the same names.
"""

from __future__ import annotations

from dataclasses import dataclass

REPOSITORY = "https://github.com/cco-dev/cco"
RELEASES = f"{REPOSITORY}/releases"
PUBLISHER = "cco-dev"
CHECKSUMS = "SHA256SUMS"
PARTS_SUFFIX = ".cdx.json"
_DEBIAN = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Platform:
    """A kind of machine that there is a release for."""

    os: str
    arch: str

    def single_file(self, version: str) -> str:
        return f"cco-{version}-{self.os}-{self.arch}" + (".exe" if self.os == "windows" else "")

    def folder(self, version: str) -> str:
        return f"cco-{version}-{self.os}-{self.arch}"

    def archive(self, version: str) -> str:
        return self.folder(version) + (".zip" if self.os == "windows" else ".tar.gz")

    def deb(self, version: str) -> str:
        return f"cco_{version}_{self.debian_arch}.deb"

    def image(self, version: str) -> str:
        return f"{self.single_file(version)}.dmg"

    @property
    def debian_arch(self) -> str:
        return _DEBIAN[self.arch]


PLATFORMS = {
    f"{one.os}-{one.arch}": one
    for one in (
        Platform("linux", "x86_64"),
        Platform("linux", "aarch64"),
        Platform("macos", "arm64"),
        Platform("macos", "x86_64"),
        Platform("windows", "x86_64"),
    )
}


def download_url(version: str, name: str) -> str:
    """Where GitHub serves a file of a release."""
    return f"{RELEASES}/download/v{version}/{name}"
