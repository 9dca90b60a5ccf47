"""`cco install` on Windows, and that `--uninstall` leaves nothing, not even what ran."""

from __future__ import annotations

import os
import sys
import winreg
from pathlib import Path

import pytest

from tests.conftest import Sandbox, wait_until
from tests.windows.conftest import WINE

assert sys.platform == "win32"  # tells the type checker where this runs

pytestmark = pytest.mark.skipif(
    not WINE and not os.environ.get("CI"), reason="changes the PATH of the person who runs it"
)


def user_path() -> tuple[str, int] | None:
    """The account's own PATH, and its type."""
    with winreg.OpenKey(winreg.HKEY_CURRENT_USER, "Environment") as key:
        try:
            text, kind = winreg.QueryValueEx(key, "Path")
        except FileNotFoundError:
            return None
        return str(text), kind


def everything_below(folder: Path) -> list[str]:
    """All files; a look at a folder that disappears just then finds none in it."""
    return [name for _, _, names in os.walk(folder) for name in names]


def test_it_comes_and_goes(frozen: Sandbox) -> None:
    """From an odd home, with a daemon of the installed program still running at the end."""
    home = frozen.home / "Jörg & Ω"
    local = home / "AppData" / "Local"
    local.mkdir(parents=True)
    environment = frozen.environment(USERPROFILE=str(home), LOCALAPPDATA=str(local))
    del environment["XDG_CACHE_HOME"]
    before = user_path()
    frozen.ok("install", env=environment)
    programs = local / "Programs" / "cco"
    found = user_path()
    assert found is not None
    assert str(programs) in found[0].split(";")
    frozen.command = (str(programs / "cco.exe"),)
    frozen.ok("daemon", "start", env=environment)
    assert everything_below(local / "cco" / "Cache")
    assert "uninstalled" in frozen.ok("install", "--uninstall", env=environment)
    assert user_path() == before
    wait_until(lambda: not everything_below(home), "the removal of what was running")
    assert frozen.leftovers() == []
