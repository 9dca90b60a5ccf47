"""installers/install.sh with the frozen program itself: installed, used, uninstalled."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cco.build_info import VERSION
from tests.conftest import free_port
from tests.installers.release_server import serve
from tests.installers.script import PLATFORM, SHELLS, Machine


@pytest.mark.parametrize("shell", SHELLS)
def test_from_download_to_removal(binary: Path, tmp_path: Path, shell: str) -> None:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"no {shell} here")
    machine = Machine(tmp_path / "machine", shell)
    with serve() as release:
        release.publish(binary.read_bytes(), PLATFORM, VERSION)
        result = machine.run(release.base, SHELL="/bin/sh")
        assert result.code == 0, result
        assert 'export PATH="$HOME/.local/bin:$PATH"' in result.out
        program = machine.home / ".local/bin/cco"
        assert program.read_bytes() == binary.read_bytes()
        again = machine.run(release.base)
        assert again.code == 0, again
        assert "created" not in again.out
    env = machine.environment("", CCO_PORT=str(free_port()))
    told = subprocess.check_output([program, "version"], env=env, text=True)
    assert told.startswith(f"cco {VERSION} ")
    subprocess.run([program, "daemon", "start"], env=env, check=True, capture_output=True)
    gone = machine.run("", "--uninstall")
    assert gone.code == 0, gone
    assert "the daemon is stopped; cco is uninstalled" in gone.out
    assert list(machine.home.iterdir()) == []


def test_from_a_file_into_a_prefix_that_is_not_there(binary: Path, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "machine", "dash")
    folder = tmp_path / "downloaded"
    folder.mkdir()
    with serve() as release:
        release.publish(binary.read_bytes(), PLATFORM, VERSION)
        (folder / "SHA256SUMS").write_bytes(release.sums)
    file = folder / f"cco-{VERSION}-{PLATFORM}"
    shutil.copy(binary, file)
    prefix = tmp_path / "opt" / "for me"
    result = machine.run("", "--file", str(file), "--prefix", str(prefix))
    assert result.code == 0, result
    assert (prefix / "bin/cco").read_bytes() == binary.read_bytes()
    assert (prefix / "share/man/man1/cco.1").exists()
    gone = machine.run("", "--uninstall", "--prefix", str(prefix))
    assert gone.code == 0, gone
    assert not prefix.parent.exists()
    assert list(machine.home.iterdir()) == []
