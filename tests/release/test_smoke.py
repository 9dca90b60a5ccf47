"""The smoke test passes on what works, and fails on what does not."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from freezing.payload import archive_in
from release.smoke import unpack

from cco.build_info import VERSION

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="its stand-ins are shell scripts")

_DOCKER = """#!/bin/sh
# A stand-in for docker: its containers are this machine, and it writes down what it was asked.
here=${0%/*}
echo "$*" >> "$here/asked"
case $1 in
run)
    [ -e "$here/broken" ] && { echo "no such image" >&2; exit 125; }
    for option; do
        case $option in --env=*) echo "${option#--env=}" >> "$here/env" ;; esac
    done
    echo container ;;
exec) shift 2; exec env -i PATH=/usr/bin:/bin $(cat "$here/env") "$@" ;;
esac
"""


def smoke(*arguments: str | Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CCO_BUDGET": "nothing of the person's gets through"}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, ROOT / "build/release/smoke.py", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_frozen_program_passes_as_single_file_and_as_archive(
    binary: Path, tmp_path: Path
) -> None:
    done = smoke(binary, "--development", "--version", VERSION)
    assert done.returncode == 0, done.stderr
    single_file = binary.read_bytes()
    payload = archive_in(single_file)
    packed = tmp_path / "cco.tar.gz"
    with (
        tarfile.open(fileobj=io.BytesIO(payload)) as members,
        tarfile.open(packed, "w:gz", compresslevel=1) as target,
    ):
        for member in members:
            target.addfile(member, members.extractfile(member) if member.isreg() else None)
    done = smoke(packed, "--development")
    assert done.returncode == 0, done.stderr


def test_it_runs_in_a_container_without_network(binary: Path, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text(_DOCKER)
    docker.chmod(0o755)
    done = smoke(binary, "--development", "--image", "debian:bullseye-slim", path=str(tmp_path))
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert "--network=none" in asked[0].split()
    assert "debian:bullseye-slim" in asked[0].split()
    assert asked[-1] == "kill container"
    assert len([line for line in asked if line.startswith("exec container")]) >= 7
    (tmp_path / "broken").touch()
    done = smoke(binary, "--image", "debian:bullseye-slim", path=str(tmp_path))
    assert done.returncode == 1
    assert "does not start: no such image" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ([], "it says {'release': False, 'development_build': True}"),
        (["--development", "--version", "9.9.9"], f"it says {{'version': '{VERSION}'}}"),
        (["--development", "--commit", "0" * 40], "it says {'commit': "),
    ],
)
def test_another_build_than_the_one_wanted_fails(
    arguments: list[str], fault: str, binary: Path
) -> None:
    done = smoke(binary, *arguments)
    assert done.returncode == 1
    assert fault in done.stderr


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("case $1 in doctor) exit 3;; esac", "cco doctor --json exits 3"),
        ("case $1 in agents) echo '[]'; exit;; esac", "0 specialists instead of 119"),
        ('case $2 in start) touch "$TMPDIR/_MEI123";; esac', "left in the temp folder: _MEI123"),
        ("case $2 in stop) exit;; esac", "waited in vain for the end of the daemon"),
    ],
)
def test_a_program_with_a_fault_fails(line: str, fault: str, binary: Path, tmp_path: Path) -> None:
    faulty = tmp_path / "faulty"
    faulty.write_text(f'#!/bin/sh\n{line}\nexec {binary} "$@"\n')
    done = smoke(faulty, "--development", "--timeout", "1")
    assert done.returncode == 1
    assert fault in done.stderr


def test_the_program_of_a_package_is_told_from_its_completions(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for path in ("usr/lib/cco/cco", "usr/lib/cco/_internal/cco/x", "usr/share/completions/cco"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    (root / "usr/bin").mkdir()
    (root / "usr/bin/cco").symlink_to("/usr/lib/cco/cco")
    with tarfile.open(tmp_path / "cco.tar.gz", "w:gz") as archive:
        archive.add(root, "cco")
    into = tmp_path / "into"
    assert unpack(tmp_path / "cco.tar.gz", into) == str(into / "cco/usr/lib/cco/cco")


def test_what_holds_no_program_fails(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "cco.tar.gz", "w:gz"):
        pass
    done = smoke(tmp_path / "cco.tar.gz")
    assert done.returncode == 1
    assert "holds no programs" in done.stderr
