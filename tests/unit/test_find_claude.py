"""Finding Claude Code: by name, on PATH, then where its installers put it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cco.claude import find
from cco.claude.find import find_claude
from cco.errors import ClaudeNotExecutable, ClaudeNotFound

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs have modes on POSIX only")


def program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own; the machine's folders are not looked at."""
    folder = tmp_path / "home"
    monkeypatch.setenv("HOME", str(folder))
    real = find._folders

    def inside(environ: dict[str, str]) -> list[Path]:
        return [one for one in real(environ) if one.is_relative_to(tmp_path) or len(str(one)) > 999]

    monkeypatch.setattr(find, "_folders", inside)
    return folder


def path_of(*folders: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join(map(str, folders))}


def test_path_comes_before_the_installers_folders(home: Path, tmp_path: Path) -> None:
    installed = program(home / ".local/bin/claude")
    assert find_claude(None, {}) == installed
    first, second = program(tmp_path / "a/claude"), program(tmp_path / "b/claude")
    assert find_claude(None, path_of(first.parent, second.parent)) == first
    assert find_claude(None, path_of(second.parent, first.parent)) == second


@pytest.mark.parametrize(
    "tail",
    [".local/bin", ".claude/local", ".claude/local/node_modules/.bin", ".npm-global/bin",
     ".bun/bin", ".volta/bin"],
)  # fmt: skip
def test_installers_folders(home: Path, tail: str) -> None:
    installed = program(home / tail / "claude")
    assert find_claude(None, {"PATH": ""}) == installed


def test_a_name_is_looked_for_on_path(tmp_path: Path) -> None:
    other = program(tmp_path / "a/claude-next")
    program(tmp_path / "a/claude")
    assert find_claude("claude-next", path_of(other.parent)) == other
    with pytest.raises(ClaudeNotFound, match="'nothing', which is not on PATH"):
        find_claude("nothing", path_of(other.parent))


def test_a_path_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = program(tmp_path / "odd name/my claude")
    assert find_claude(str(named), {}) == named
    monkeypatch.chdir(tmp_path)
    assert find_claude("./odd name/my claude", {}) == named
    with pytest.raises(ClaudeNotFound, match="does not exist"):
        find_claude("./nothing", {})


def test_a_tilde_is_the_users_home(home: Path) -> None:
    named = program(home / "bin/claude")
    assert find_claude("~/bin/claude", {}) == named


def test_a_tilde_of_nobody_is_not_found() -> None:
    with pytest.raises(ClaudeNotFound):
        find_claude("~nobody-of-that-name/claude", {})


def test_not_found_says_how_to_install() -> None:
    with pytest.raises(ClaudeNotFound) as found:
        find_claude(None, {})
    assert found.value.exit_code == 127
    assert "npm install -g @anthropic-ai/claude-code" in found.value.advice
    assert "CCO_CLAUDE" in found.value.advice


@pytest.mark.parametrize("named", [True, False])
def test_not_executable_is_another_error(tmp_path: Path, named: bool) -> None:
    found = program(tmp_path / "a/claude", 0o644)
    with pytest.raises(ClaudeNotExecutable, match=r"is not (an )?executable") as error:
        find_claude(str(found) if named else None, path_of(found.parent))
    assert error.value.exit_code == 126


def test_a_folder_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "a/claude").mkdir(parents=True)
    with pytest.raises(ClaudeNotExecutable):
        find_claude(str(tmp_path / "a/claude"), {})
    with pytest.raises(ClaudeNotFound):
        find_claude(None, path_of(tmp_path / "a"))


def test_one_that_cannot_be_run_is_passed_over_for_one_that_can(tmp_path: Path) -> None:
    program(tmp_path / "a/claude", 0o644)
    second = program(tmp_path / "b/claude")
    assert find_claude(None, path_of(tmp_path / "a", tmp_path / "b")) == second


def test_a_dangling_link_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/claude").symlink_to("nowhere")
    second = program(tmp_path / "b/claude")
    assert find_claude(None, path_of(tmp_path / "a", tmp_path / "b")) == second


def test_odd_entries_of_path_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    program(tmp_path / "claude")  # the current folder is not on PATH unless it is named
    found = program(tmp_path / "a/claude")
    odd = ["", ".", "relative", "/" + "x" * 5_000, str(tmp_path / "absent"), str(found)]
    environ = {"PATH": os.pathsep.join([*odd, str(found.parent)])}
    assert find_claude(None, environ) == found


def test_cco_under_the_name_of_claude_does_not_find_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = program(tmp_path / "a/claude")
    real = program(tmp_path / "b/claude")
    monkeypatch.setattr("sys.frozen", True, raising=False)
    monkeypatch.setenv("CCO_EXECUTABLE", str(own))
    assert find_claude(None, path_of(own.parent, real.parent)) == real
    monkeypatch.setenv("CCO_EXECUTABLE", str(tmp_path / "replaced meanwhile"))
    assert find_claude(None, path_of(own.parent, real.parent)) == own


@pytest.mark.parametrize("tail", find._NATIVE_BEHIND_SHIM)
def test_behind_a_shim_is_the_native_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: str
) -> None:
    monkeypatch.setattr(find, "_NAMES", ("claude.exe", "claude.cmd"))
    shim = program(tmp_path / "npm/claude.cmd")
    native = program(tmp_path / "npm" / tail)
    assert find_claude(None, path_of(shim.parent)) == native
    assert find_claude(str(shim), {}) == native
    exe = program(tmp_path / "npm/claude.exe")
    assert find_claude(None, path_of(shim.parent)) == exe


def test_a_shim_with_nothing_behind_it_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "_NAMES", ("claude.exe", "claude.cmd"))
    for name in ("claude.cmd", "claude.BAT"):
        shim = program(tmp_path / "npm" / name)
        with pytest.raises(ClaudeNotExecutable, match="shim"):
            find_claude(str(shim), {})
    with pytest.raises(ClaudeNotExecutable):
        find_claude(None, path_of(tmp_path / "npm"))
