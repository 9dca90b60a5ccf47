"""The frozen program starts once, and leaves no trace of how in what it starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Sandbox, make_sandbox
from tests.fake_claude import FakeClaude


@pytest.fixture
def frozen(tmp_path: Path) -> Iterator[Sandbox]:
    place = make_sandbox("frozen", tmp_path)
    yield place
    place.close()


def test_the_program_is_started_once(frozen: Sandbox) -> None:
    """PyInstaller's program leaves its name for the start after its own: there was none."""
    frozen.ok("daemon", "start")
    (daemon,) = frozen.daemon_processes()
    assert "_PYI_LINUX_PROCESS_NAME" not in daemon.environ()


@pytest.mark.parametrize("given", [None, "", "/mine/lib", "/mine/lib:/other"])
def test_claude_code_gets_the_users_library_path(
    frozen: Sandbox, fake_claude: FakeClaude, given: str | None
) -> None:
    more = {} if given is None else {"LD_LIBRARY_PATH": given}
    env = frozen.environment(CCO_CLAUDE=str(fake_claude.path), **more)
    assert frozen.run("-p", "x", env=env).code == 0
    environ = fake_claude.only_start().environ
    assert environ.get("LD_LIBRARY_PATH") == given
    assert not [name for name in environ if "_ORIG" in name or name.startswith("_PYI_")]
