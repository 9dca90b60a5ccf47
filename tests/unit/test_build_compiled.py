"""Which sources the portable program's OpenSSL comes from. (What comes of it: tests/platforms.)"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("root file systems are for Linux", allow_module_level=True)

from platforms.compiled import OPENSSL, version_in
from platforms.errors import PlatformError


def fetched(folder: Path, version: str) -> Path:
    (folder / f"openssl_{version}.dsc").touch()
    (folder / "openssl.orig.tar.gz").touch()
    return folder


@pytest.mark.parametrize(
    ("package", "told"),
    [
        ("3.5.7-1~deb13u2", "3.5.7+1.deb13u2"),
        ("3.5.10-1", "3.5.10+1"),
    ],
)
def test_the_version_names_debians_revision(package: str, told: str, tmp_path: Path) -> None:
    assert version_in(OPENSSL, fetched(tmp_path, package)) == told


@pytest.mark.parametrize("package", ["3.6.0-1", "1.1.1w-0+deb11u5", "3.50.1-1"])
def test_another_series_is_refused(package: str, tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"is .* and not 3\.5$"):
        version_in(OPENSSL, fetched(tmp_path, package))
