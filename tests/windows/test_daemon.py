"""The daemon on Windows: one hidden process, four files of its owner's alone, nothing left."""

from __future__ import annotations

import ctypes
import json
import sys
import winreg
from ctypes import wintypes
from pathlib import Path

import machineid
import psutil
import pytest

from cco.sealing import names
from tests.conftest import Sandbox, has_ended, wait_until
from tests.windows.conftest import LONG_PATHS, NEEDS_LONG_PATHS, WINE

assert sys.platform == "win32"  # tells the type checker where this runs

from cco.sealing.windows_acl import access_list, account_name, user_sid  # noqa: E402


def pid_of(sandbox: Sandbox) -> int:
    return int(json.loads(sandbox.ok("daemon", "status", "--json"))["pid"])


def test_from_start_to_stop(sandbox: Sandbox) -> None:
    assert sandbox.run("daemon", "status").code == 3
    assert f"port {sandbox.port}" in sandbox.ok("daemon", "start")
    status = json.loads(sandbox.ok("daemon", "status", "--json"))
    assert Path(status["folder"]).samefile(sandbox.temp)
    assert set(names.SEALED) <= set(sandbox.leftovers())
    assert sandbox.sealed().settings.pid == status["pid"]
    sandbox.ok("daemon", "restart")
    again = json.loads(sandbox.ok("daemon", "status", "--json"))
    assert (again["port"], again["pid"] != status["pid"]) == (status["port"], True)
    assert sandbox.ok("daemon", "stop").strip() == "the daemon is stopped"
    assert sandbox.leftovers() == []
    assert has_ended(again["pid"])
    assert sandbox.run("daemon", "status").code == 3


def test_the_key_is_bound_to_this_machine_and_account(sandbox: Sandbox) -> None:
    """`sealed` opens the files with what is asked of Windows here, not of cco."""
    with winreg.OpenKey(
        winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography", 0, winreg.KEY_READ
    ) as key:
        guid, _ = winreg.QueryValueEx(key, "MachineGuid")
    assert machineid.id() == guid
    size = wintypes.DWORD(257)
    name = ctypes.create_unicode_buffer(257)
    assert ctypes.windll.advapi32.GetUserNameW(name, ctypes.byref(size))
    assert account_name() == name.value
    environment = sandbox.environment(USERNAME="somebody else")
    sandbox.ok("daemon", "start", env=environment)
    assert sandbox.sealed().settings.port


def test_what_it_makes_is_its_owners_alone(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    sid = user_sid()
    for name in sandbox.leftovers():
        path = sandbox.temp / name
        owner, _, entries = access_list(path).partition("D:")
        assert owner.removeprefix("O:").partition("G:")[0] == sid, name
        allowed = [entry.split(";") for entry in entries.strip("P()AI").split(")(")]
        others = {entry[-1] for entry in allowed if entry[0] == "A"} - {sid}
        if WINE:  # its own idea of what the mode 0600 means: the system's account, and no rights
            assert others <= {"SY"}, name
        else:
            assert others == set(), name
            assert entries.startswith("P"), f"{name} inherits"


def test_it_is_one_process_without_a_window(frozen: Sandbox) -> None:
    frozen.ok("daemon", "start")
    pid = pid_of(frozen)
    (process,) = frozen.daemon_processes()
    assert process.pid == pid
    assert Path(process.exe()).parent.parent == Path(frozen.environment()["XDG_CACHE_HOME"], "cco")
    assert windows_of(pid) == []


def windows_of(pid: int) -> list[int]:
    """The visible windows of a process; a console's count as its first program's."""
    user = ctypes.WinDLL("user32")
    found = []

    def look(window: int, _: int) -> bool:
        owner = wintypes.DWORD()
        user.GetWindowThreadProcessId(wintypes.HWND(window), ctypes.byref(owner))
        if owner.value == pid and user.IsWindowVisible(wintypes.HWND(window)):
            found.append(window)
        return True

    callback = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)(look)
    user.EnumWindows(callback, 0)
    return found


def test_killed_it_is_noticed_and_comes_back(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    before = sandbox.sealed().settings
    psutil.Process(before.pid).kill()
    wait_until(lambda: has_ended(before.pid), "the end of the daemon")
    assert sandbox.run("daemon", "status").code == 3
    assert set(names.SEALED) <= set(sandbox.leftovers())
    sandbox.ok("daemon", "start")
    after = sandbox.sealed().settings
    assert (after.port, after.token) == (before.port, before.token)
    assert after.pid != before.pid


def test_killed_a_stop_cleans_up(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    pid = sandbox.sealed().settings.pid
    psutil.Process(pid).kill()
    wait_until(lambda: has_ended(pid), "the end of the daemon")
    assert "was not running" in sandbox.ok("daemon", "stop")
    assert sandbox.leftovers() == []


def test_a_restart_replaces_stubs_that_are_open(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    stubs = sandbox.temp / names.PLUGIN / "agents"
    with next(stubs.iterdir()).open("rb"):
        sandbox.ok("daemon", "restart")
    assert len(list(stubs.iterdir())) == 119


@pytest.mark.parametrize("name", ["with spaces", "Jörg Ωmega 名前"])
def test_odd_names_of_the_home(name: str, tmp_path: Path, sandbox: Sandbox) -> None:
    home = tmp_path / name
    local = home / "AppData" / "Local"
    environment = sandbox.environment(USERPROFILE=str(home), LOCALAPPDATA=str(local))
    environment.pop("XDG_CACHE_HOME", None)
    serve_from(local / "Temp", sandbox, environment)
    if sandbox.frozen:
        assert list((local / "cco" / "Cache").iterdir())


@pytest.mark.skipif(not LONG_PATHS, reason=NEEDS_LONG_PATHS)
def test_a_temp_folder_deep_down(tmp_path: Path, sandbox: Sandbox) -> None:
    temp = tmp_path / ("d" * 150) / ("e" * 150)
    serve_from(temp, sandbox, sandbox.environment())


def serve_from(temp: Path, sandbox: Sandbox, environment: dict[str, str]) -> None:
    """Start a daemon with this temp folder, and stop it again."""
    temp.mkdir(parents=True)
    environment |= {"TEMP": str(temp), "TMPDIR": str(temp)}
    try:
        sandbox.ok("daemon", "start", env=environment)
        status = json.loads(sandbox.ok("daemon", "status", "--json", env=environment))
        assert Path(status["folder"]).samefile(temp)
        assert status["folder"] in sandbox.ok("daemon", "status", env=environment)
    finally:
        sandbox.ok("daemon", "stop", env=environment)
    assert [path.name for path in temp.iterdir() if path.name.startswith(".cco-")] == []
