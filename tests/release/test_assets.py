"""A release is exactly its files: none missing, none more, each as its checksum says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from release import assets, checksums
from release.errors import ReleaseError
from release.names import CHECKSUMS

from cco.build_info import VERSION
from tests.release.conftest import write_parts

ROOT = Path(__file__).parent.parent.parent
NAMES = assets.expected(VERSION)


def test_the_files_are_those_that_installers_ask_for() -> None:
    names = assets.expected("1.2.3")
    assert len(names) == len(set(names)) == 2 * 12 + 3
    for name in (
        "cco-1.2.3-linux-x86_64",
        "cco-1.2.3-linux-aarch64.tar.gz",
        "cco-1.2.3-macos-arm64",
        "cco-1.2.3-macos-x86_64.tar.gz",
        "cco-1.2.3-windows-x86_64.exe",
        "cco-1.2.3-windows-x86_64.zip",
        "cco_1.2.3_amd64.deb",
        "cco_1.2.3_arm64.deb.cdx.json",
        "SHA256SUMS",
    ):
        assert name in names
    extra = set(assets.expected("1.2.3", notarised=True)) - set(names)
    assert {name for name in extra if not name.endswith(".json")} == {
        "cco-1.2.3-macos-arm64.dmg",
        "cco-1.2.3-macos-x86_64.dmg",
    }


def test_a_complete_set_is_collected_with_checksums(release_folder: Path) -> None:
    assert sorted(path.name for path in release_folder.iterdir()) == NAMES
    assets.verify(NAMES, release_folder)
    program = shutil.which("sha256sum")
    if program is not None:
        command = [program, "--check", "--strict", "--quiet", "SHA256SUMS"]
        subprocess.run(command, cwd=release_folder, check=True)


@pytest.mark.parametrize("name", [name for name in NAMES if name != CHECKSUMS])
def test_any_missing_file_is_refused(name: str, built: Path, tmp_path: Path) -> None:
    next(built.rglob(name)).unlink()
    with pytest.raises(ReleaseError, match=f"1 of {len(NAMES)} files are missing: {name}"):
        assets.collect(NAMES, built, tmp_path / "release")
    assert not (tmp_path / "release").exists()


def test_unexpected_empty_and_double_files_are_refused(built: Path, tmp_path: Path) -> None:
    into = tmp_path / "release"
    (built / "cco-0.0.1-linux-x86_64").write_text("old")
    with pytest.raises(ReleaseError, match=r"not part of a release: cco-0\.0\.1-linux-x86_64"):
        assets.collect(NAMES, built, into)
    (built / "cco-0.0.1-linux-x86_64").unlink()
    (built / "macos-arm64" / "install.sh").write_text("another")
    with pytest.raises(ReleaseError, match=r"install\.sh is there twice"):
        assets.collect(NAMES, built, into)
    (built / "macos-arm64" / "install.sh").unlink()
    (built / "install.sh").write_text("")
    with pytest.raises(ReleaseError, match=r"install\.sh is empty"):
        assets.collect(NAMES, built, into)


def test_a_list_of_parts_of_another_build_is_refused(built: Path, tmp_path: Path) -> None:
    artefact = built / "linux-x86_64" / f"cco-{VERSION}-linux-x86_64"
    artefact.write_text("built again")
    with pytest.raises(ReleaseError, match=f"does not describe {artefact.name}"):
        assets.collect(NAMES, built, tmp_path / "release")
    write_parts(artefact)
    assets.collect(NAMES, built, tmp_path / "another")


def test_a_changed_file_is_noticed(release_folder: Path) -> None:
    (release_folder / "install.sh").write_text("#!/bin/sh\nrm -rf ~\n")
    with pytest.raises(ReleaseError, match=r"not as SHA256SUMS says: install\.sh"):
        assets.verify(NAMES, release_folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + text.splitlines(keepends=True)[0],
        lambda text: text.replace("  install.sh", "  ../install.sh"),
        lambda text: text.replace("  install.sh", " *install.sh"),
        lambda text: text.replace("\n", "\r\n"),
    ],
)
def test_checksums_in_another_form_are_refused(damage: object, release_folder: Path) -> None:
    path = release_folder / CHECKSUMS
    assert callable(damage)
    path.write_bytes(damage(path.read_text()).encode())
    with pytest.raises(ReleaseError, match="SHA256SUMS"):
        assets.verify(NAMES, release_folder)


def test_checksums_that_leave_a_file_out_are_refused(release_folder: Path) -> None:
    checksums.write(release_folder, set(NAMES) - {CHECKSUMS, "install.sh"})
    with pytest.raises(ReleaseError, match=r"missing: install\.sh"):
        assets.verify(NAMES, release_folder)


def test_the_command_line_says_what_is_missing(built: Path, tmp_path: Path) -> None:
    tool, into = ROOT / "build/release/assets.py", tmp_path / "release"
    (built / "install.ps1").unlink()
    done = subprocess.run(
        [sys.executable, tool, "collect", VERSION, built, into],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "files are missing: install.ps1" in done.stderr
