"""The parts of an installation that no platform is needed for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.errors import InstallFailed
from cco.installation import leftovers, steps
from cco.installation.path_entries import with_entry, without_entry
from cco.installation.record import Record, read_record
from cco.installation.shells import PutLine, RemoveLine, ShellLine, is_on_path
from cco.installation.steps import PutFile, PutLink, RemoveTree, perform

FOLDER = r"C:\Users\Zoë\AppData\Local\Programs\cco"
ENVIRON = {"LOCALAPPDATA": r"C:\Users\Zoë\AppData\Local", "SystemRoot": r"C:\Windows"}


# --- PATH on Windows ---


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", FOLDER),
        (r"%USERPROFILE%\bin", rf"{FOLDER};%USERPROFILE%\bin"),
        (r"C:\a;;C:\b;", rf"{FOLDER};C:\a;;C:\b;"),
    ],
)
def test_an_entry_is_added_and_removed_as_if_it_never_was(before: str, after: str) -> None:
    assert with_entry(before, FOLDER, ENVIRON) == after
    assert without_entry(after, FOLDER, ENVIRON) == before


@pytest.mark.parametrize(
    "entry",
    [FOLDER.upper(), FOLDER + "\\", rf'"{FOLDER}"', r"%LocalAppData%\Programs\cco",
     FOLDER.replace("\\", "/")],
)  # fmt: skip
def test_an_entry_in_another_spelling_counts(entry: str) -> None:
    value = rf"C:\a;{entry};C:\b"
    assert with_entry(value, FOLDER, ENVIRON) == value
    assert without_entry(value, FOLDER, ENVIRON) == r"C:\a;C:\b"


@given(st.lists(st.text(alphabet="aZ%\\:. ü", max_size=8)))
def test_no_other_entry_is_ever_touched(entries: list[str]) -> None:
    value = ";".join(entries)
    assert without_entry(value, FOLDER, ENVIRON) == value
    assert with_entry(value, FOLDER, ENVIRON).endswith(value)


# --- start-up files ---


@given(st.binary(max_size=80), st.booleans())
def test_a_block_comes_and_goes_without_a_trace(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, exists: bool
) -> None:
    file = tmp_path_factory.mktemp("rc") / "rc"
    if exists:
        file.write_bytes(text)
    put = PutLine(ShellLine(file, 'export PATH="/x:$PATH"', "bash"))
    perform(put, dry_run=False)
    once = file.read_bytes()
    assert perform(put, dry_run=False) == steps.UNCHANGED
    assert once.count(b"export PATH=") == 1
    perform(RemoveLine(file, made=not exists), dry_run=False)
    if exists:
        gap = b"" if not text or text.endswith(b"\n") else b"\n"
        assert file.read_bytes() == text + gap
    else:
        assert not file.exists()


def test_a_moved_folder_replaces_its_line(tmp_path: Path) -> None:
    file = tmp_path / "rc"
    file.write_bytes(b"first\r\n")
    for folder in ("/old", "/new"):
        perform(PutLine(ShellLine(file, f"export PATH={folder}", "sh")), dry_run=False)
    assert b"/old" not in file.read_bytes()
    assert file.read_bytes().startswith(b"first\r\n")


def test_path_is_compared_by_what_it_means(tmp_path: Path) -> None:
    real = tmp_path / "bin"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    assert is_on_path(real, {"PATH": f"/usr/bin{os.pathsep}{tmp_path}/link/"})
    assert not is_on_path(real, {"PATH": f"bin{os.pathsep}{os.pathsep}/usr/bin"})
    assert not is_on_path(real, {})


# --- files and folders ---


def test_a_put_that_fails_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    folder.mkdir()
    (folder / "kept").touch()
    with pytest.raises(InstallFailed, match="taken cannot be changed: is a folder"):
        perform(PutFile(folder, b"x"), dry_run=False)
    with pytest.raises(InstallFailed):
        perform(PutLink(folder, tmp_path), dry_run=False)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert [path.name for path in folder.iterdir()] == ["kept"]


def test_a_link_in_the_place_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").touch()
    (tmp_path / "cco").symlink_to(victim)
    assert perform(RemoveTree(tmp_path / "cco"), dry_run=False) == steps.REMOVED
    assert [path.name for path in tmp_path.iterdir()] == ["victim"]
    assert (victim / "kept").exists()


def test_copies_in_use_stay_and_the_others_go(tmp_path: Path) -> None:
    used = tmp_path / "cco" / ("a" * 32)
    for folder in (used, tmp_path / "cco" / ("b" * 32), tmp_path / "cco" / ".unpack-1-0"):
        folder.mkdir(parents=True)
        (folder / "cco").touch()
    perform(RemoveTree(tmp_path / "cco", frozenset([used])), dry_run=False)
    assert [path.name for path in (tmp_path / "cco").iterdir()] == ["a" * 32]
    assert (used / "cco").exists()


def test_a_store_that_another_user_planted_is_none_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = os.geteuid()
    store = tmp_path / f"cco-cache-{uid}"
    store.mkdir()
    environ = {"TMPDIR": str(tmp_path)}
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = [step.path for step in leftovers.leftovers(environ, purge=False)]
    assert store in found
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)
    (tmp_path / f"cco-cache-{uid + 1}").mkdir()
    found = [step.path for step in leftovers.leftovers(environ, purge=False)]
    assert tmp_path / f"cco-cache-{uid + 1}" not in found


# --- the record ---


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    record = Record("1.2.3", {"/p/bin/cco": "0" * 64}, {"/p/x": "/y"}, path_entry="C:\\x")
    record.add_folders([Path("/p/bin"), Path("/p")])
    record.add_folders([Path("/p/share/cco"), Path("/p/share"), Path("/p")])
    assert record.folders == ["/p/share/cco", "/p/bin", "/p/share", "/p"]
    path = tmp_path / "install.json"
    path.write_bytes(record.to_bytes())
    assert read_record(path) == record
    assert read_record(tmp_path / "none") is None
    assert read_record(path / "below a file") is None


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"files": []}, {"files": {"relative": "0"}}, {"folders": [5]},
     {"unknown": 1}, {"version": None}, {"path_entry": 5}, {"links": {"/a\0b": "x"}}],
)  # fmt: skip
def test_a_record_that_is_none_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "install.json"
    document = json.loads(Record("1").to_bytes())
    path.write_text(json.dumps({**document, **change}))
    with pytest.raises(InstallFailed, match=r"install\.json"):
        read_record(path)
