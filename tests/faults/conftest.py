"""What breaks: full disks, cleaners, clocks, limits, and cco in the middle of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest

from tests.conftest import Sandbox, make_sandbox

_SHIM = Path(__file__).with_name("shim.c")
_OTHER_BUILD = """
import sys
from cco import build_info, own_command

sys.argv[0] = "cco"
build_info.VERSION = {version!r}
build = build_info.current()
build.secret = {secret!r}
build_info.current = lambda: build
own_command.self_command = own_command.daemon_command = lambda: [sys.executable, "-I", {path!r}]
from cco.cli.entry import main
sys.exit(main())
"""


@pytest.fixture
def frozen_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox for what only the frozen program can tell."""
    place = make_sandbox("frozen", tmp_path)
    yield place
    place.close()


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a library that takes things from whoever has it in LD_PRELOAD: shim.c."""
    compiler = shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        pytest.skip("needs a C compiler, on Linux")
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SHIM, "-ldl"], check=True)
    return str(library)


def another_build(sandbox: Sandbox, folder: Path, *, version: str, secret: bytes) -> Sandbox:
    """The same sandbox for a cco of another version or with another build secret."""
    program = folder / f"cco-{version}.py"
    program.write_text(_OTHER_BUILD.format(version=version, secret=secret, path=str(program)))
    other = copy(sandbox)
    other.command = (sys.executable, "-I", str(program))
    return other
