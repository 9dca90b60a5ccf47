"""The Homebrew formula: read, installed and tested by a stand-in for Homebrew."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pack
import pytest
from packing.formula import formula
from release.errors import ReleaseError
from release.names import PLATFORMS, RELEASES

from cco.build_info import VERSION

STAND_IN = Path(__file__).parent / "homebrew.rb"
SUMS = {
    platform.archive(VERSION): f"{number:064x}"
    for number, platform in enumerate(PLATFORMS.values())
}


@pytest.fixture(scope="module")
def ruby() -> str:
    found = shutil.which("ruby")
    if found is None:
        pytest.skip("no ruby here: build/installer_tools.sh installs it on Debian")
    return found


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    sums = tmp_path / "SHA256SUMS"
    sums.write_text("".join(f"{digest}  {name}\n" for name, digest in SUMS.items()))
    assert pack.main(["formula", "--checksums", str(sums), "--out", str(tmp_path)]) == 0
    return tmp_path / "cco.rb"


def read(ruby: str, path: Path, *arguments: str, **more: str) -> Any:
    done = subprocess.run(
        [ruby, "-W2", STAND_IN, path, *arguments],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **more},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_its_syntax_is_right(ruby: str, rendered: Path) -> None:
    done = subprocess.run([ruby, "-wc", rendered], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Syntax OK"), done
    assert done.stderr == ""
    assert "@" not in rendered.read_text().replace("@rpath", "")


@pytest.mark.parametrize(
    ("system", "cpu", "platform"),
    [("macos", "arm", "macos-arm64"), ("macos", "intel", "macos-x86_64"),
     ("linux", "arm", "linux-aarch64"), ("linux", "intel", "linux-x86_64")],
)  # fmt: skip
def test_every_system_gets_its_archive(
    ruby: str, rendered: Path, system: str, cpu: str, platform: str
) -> None:
    facts = read(ruby, rendered, system, cpu)
    name = PLATFORMS[platform].archive(VERSION)
    assert facts["url"] == f"{RELEASES}/download/v{VERSION}/{name}"
    assert facts["sha256"] == SUMS[name]
    assert facts["version"] == VERSION
    assert facts["livecheck"] == {"url": "stable", "strategy": "github_latest"}
    assert len(facts["desc"]) < 80
    assert not facts["desc"].lower().startswith(("a ", "an ", "the ", "cco"))


def test_it_installs_and_its_own_test_passes(
    ruby: str, rendered: Path, archive: Path, tmp_path: Path
) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "staged")
    (staged,) = (tmp_path / "staged").iterdir()
    prefix, home = tmp_path / "Cellar/cco" / VERSION, tmp_path / "home"
    home.mkdir()
    arguments = ["linux", "intel", str(staged), str(prefix), str(home)]
    facts = read(ruby, rendered, *arguments, HOME=str(home))
    assert "Claude Code" in facts["caveats"]
    assert os.readlink(prefix / "bin/cco") == str(prefix / "libexec/cco")
    assert (prefix / "share/man/man1/cco.1").is_file()
    for shell in ("bash", "zsh", "fish"):
        assert "_CCO_COMPLETE" in (prefix / "share/completions" / shell).read_text()
    assert not (home / ".cache").exists()  # nothing was unpacked


def test_a_test_that_finds_a_fault_fails(ruby: str, rendered: Path, tmp_path: Path) -> None:
    """The formula's test is one that can fail: here with another program in its place."""
    staged = tmp_path / "staged"
    (staged / "_internal").mkdir(parents=True)
    (staged / "share/man/man1").mkdir(parents=True)
    (staged / "share/man/man1/cco.1").touch()
    (staged / "cco").write_text("#!/bin/sh\necho cco 0.0.0\n")
    (staged / "cco").chmod(0o755)
    arguments = ["linux", "intel", str(staged), str(tmp_path / "prefix"), str(tmp_path / "test")]
    with pytest.raises(AssertionError, match="not so"):
        read(ruby, rendered, *arguments)


def test_a_release_without_an_archive_gives_no_formula() -> None:
    with pytest.raises(ReleaseError, match="macos-arm64"):
        formula(VERSION, {name: sum_ for name, sum_ in SUMS.items() if "macos-arm64" not in name})
