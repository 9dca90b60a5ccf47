"""The folders that cco works with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import platformdirs
import pytest

from cco import folders
from cco.config import Config, load_config
from cco.errors import FolderUnusable
from cco.folders import temp_folder


@pytest.mark.skipif(sys.platform == "win32", reason="homes are elsewhere there")
def test_an_account_without_a_home_has_no_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that was given a bare uid."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    assert load_config({}) == Config()
    for find in (folders.config_folder, folders.data_folder, folders.state_folder):
        with pytest.raises(FolderUnusable, match="no home folder"):
            find()


@pytest.mark.skipif(sys.platform != "linux", reason="platformdirs itself is asked elsewhere")
@pytest.mark.parametrize("home", ["/home/ana", "/home/ana/", "/", "", "relative", None])
@pytest.mark.parametrize("named", ["/srv/x", "/srv/x/", "relative", "~/x", "", None])
def test_folders_are_those_of_platformdirs(
    home: str | None, named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("config", "data", "state"):
        for name, value in (("HOME", home), (f"XDG_{kind.upper()}_HOME", named)):
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        expected = getattr(platformdirs, f"user_{kind}_path")("cco", appauthor=False)
        assert getattr(folders, f"{kind}_folder")() == expected


@pytest.mark.skipif(sys.platform == "win32", reason="accounts have no numbers there")
def test_a_home_of_another_account_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `sudo` leaves it on some systems, and `su` on all."""
    named, own = str(tmp_path), "/home/somebody"
    monkeypatch.setattr("pwd.getpwuid", lambda uid: SimpleNamespace(pw_dir=own))
    monkeypatch.setenv("HOME", named)
    for kind in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "not" / "there" / "yet"))
    assert folders.own_home() == named
    assert folders.state_folder().is_relative_to(tmp_path)
    if os.geteuid() == 0:
        os.chown(tmp_path, 4711, 4711)
    else:
        monkeypatch.setattr("os.geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert folders.own_home() == own
    for find in (folders.config_folder, folders.data_folder, folders.state_folder):
        assert find().is_relative_to(own)
    monkeypatch.setenv("HOME", "/")  # root's, as a container has it
    assert folders.own_home() == "/"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_folders_that_are_made_are_this_users_alone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        for _ in range(2):
            folders.make_folders(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    made = [*(tmp_path / "a").rglob("*"), tmp_path / "a"]
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700] * 3
    (tmp_path / "file").touch()
    for taken in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(FileExistsError):
            folders.make_folders(taken)


@pytest.mark.skipif(sys.platform == "win32", reason="TEMP there")
def test_the_temp_folder(tmp_path: Path) -> None:
    usual = temp_folder({})
    assert usual.is_dir()
    assert temp_folder({"TMPDIR": str(tmp_path)}) == tmp_path
    file = tmp_path / "file"
    file.touch()
    for unusable in ("", "relative", str(file), str(tmp_path / "absent"), "\0"):
        assert temp_folder({"TMPDIR": unusable}) == usual


@pytest.mark.skipif(sys.platform == "win32", reason="there is no confstr")
def test_the_temp_folder_of_macos_is_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TMPDIR unset, as for launchd's jobs: /var/folders/…/T/, asked for by its number."""
    asked: list[object] = []

    def confstr(name: object) -> str:
        asked.append(name)
        return f"{tmp_path}/"

    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("os.confstr", confstr)
    assert temp_folder({}) == tmp_path
    assert asked == [65537]
    assert temp_folder({"TMPDIR": f"{tmp_path}/"}) == tmp_path
