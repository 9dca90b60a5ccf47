"""The Debian package, as dpkg and lintian see it. tests/platforms installs it in a chroot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packing.deb import COMPLETIONS, glibc_needed, make_deb
from release.errors import ReleaseError
from release.names import PLATFORMS

from cco.build_info import VERSION
from tests.installers.conftest import TIME_S

LINUX = PLATFORMS["linux-x86_64"]
pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb here")


@pytest.fixture(scope="module")
def deb(folder_form: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, compressed just a little: releases take xz's usual level."""
    out = tmp_path_factory.mktemp("deb")
    return make_deb(folder_form, LINUX, VERSION, out, TIME_S, level=0)


@pytest.fixture(scope="module")
def tree(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in it."""
    tree = tmp_path_factory.mktemp("tree")
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    return tree


def test_the_control_file_says_what_it_is(deb: Path, tree: Path) -> None:
    assert deb.name == f"cco_{VERSION}_amd64.deb"
    control = dict(
        line.split(": ", 1)
        for line in (tree / "DEBIAN/control").read_text().splitlines()
        if not line.startswith(" ")
    )
    assert (control["Package"], control["Version"]) == ("cco", VERSION)
    assert control["Architecture"] == "amd64"
    assert control["Depends"] == f"libc6 (>= {glibc_needed(tree)})"
    size = sum(-(-path.lstat().st_size // 1024) for path in (tree / "usr").rglob("*")
               if path.is_symlink() or path.is_file())  # fmt: skip
    assert int(control["Installed-Size"]) == size
    assert not list((tree / "DEBIAN").glob("*inst"))  # it runs nothing when it is installed


def test_its_files_are_where_debian_wants_them(tree: Path) -> None:
    assert os.readlink(tree / "usr/bin/cco") == "../lib/cco/cco"
    for place in (*COMPLETIONS.values(), "usr/share/man/man1/cco.1.gz",
                  "usr/share/doc/cco/copyright", "usr/share/doc/cco/changelog.gz"):  # fmt: skip
        assert (tree / place).is_file(), place
    copyright_file = (tree / "usr/share/doc/cco/copyright").read_text()
    for licence in re.findall(r"^ (/usr/lib\S+)$", copyright_file, re.M):
        assert (tree / licence.lstrip("/")).is_file()
    assert {path.name for path in (tree / "usr").iterdir()} == {"bin", "lib", "share"}


def test_nobody_but_root_can_write_and_nothing_is_setuid(deb: Path) -> None:
    listing = subprocess.check_output(["dpkg-deb", "-c", deb], text=True)
    for line in listing.splitlines():
        mode, owner = line.split()[:2]
        assert owner == "root/root"
        assert mode in ("drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x") or mode.startswith("l"), line


def test_the_program_runs_through_its_link(tree: Path, tmp_path: Path) -> None:
    program = tree / "usr/bin/cco"
    told = subprocess.check_output([program, "version"], env={"HOME": str(tmp_path)}, text=True)
    assert told.startswith(f"cco {VERSION} ")
    assert list(tmp_path.iterdir()) == []


def test_the_same_input_gives_the_same_bytes(deb: Path, folder_form: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        again = make_deb(folder_form, LINUX, VERSION, tmp_path, TIME_S, level=0)
    finally:
        os.umask(before)
    assert again.read_bytes() == deb.read_bytes()


@pytest.mark.skipif(shutil.which("lintian") is None, reason="no lintian here")
def test_lintian_finds_nothing(deb: Path) -> None:
    done = subprocess.run(
        ["lintian", "--fail-on", "error,warning", "--allow-root", deb],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(deb.parent)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done


def test_the_needed_glibc_is_read_from_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_bytes(b"\x7fELF\0GLIBC_2.4\0GLIBC_2.31\0GLIBC_2.9\0GLIBC_PRIVATE\0")
    (tmp_path / "b").write_bytes(b"no program, but GLIBC_2.99\0")
    assert glibc_needed(tmp_path) == "2.31"
    (tmp_path / "a.so").unlink()
    with pytest.raises(ReleaseError):
        glibc_needed(tmp_path)
