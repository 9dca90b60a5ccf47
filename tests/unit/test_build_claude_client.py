"""Finding and installing the pinned Claude Code, with a stand-in for npm."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import claude_client
import npm_parts
import pytest
from claude_client import ClientUnavailable

NPM = """#!/bin/sh
printf '%s\\n' "$*" "${npm_config_cache:-home}" >> "$LOG"
[ -z "$FAIL" ] || { echo "npm error $FAIL" >&2; exit 1; }
folder=node_modules/@anthropic-ai/claude-code$PLATFORM
mkdir -p "$folder" && echo program > "$folder/$PROGRAM"
"""


@pytest.fixture
def npm_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a stand-in for npm first on PATH; it logs its arguments and the cache it was given."""
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(NPM)
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}:/usr/bin:/bin")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.setenv("FAIL", "")
    monkeypatch.setenv("PLATFORM", f"-{claude_client.platform_name()}")
    monkeypatch.setenv("PROGRAM", "claude")
    monkeypatch.setattr(npm_parts, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(claude_client, "INSTALLED", tmp_path / "cache" / "claude")
    return tmp_path / "log"


@pytest.mark.parametrize(
    ("system", "machine", "libc", "expected"),
    [
        ("linux", "x86_64", "glibc", "linux-x64"),
        ("linux", "aarch64", "glibc", "linux-arm64"),
        ("linux", "x86_64", "", "linux-x64-musl"),
        ("darwin", "arm64", "", "darwin-arm64"),
        ("win32", "AMD64", "", "win32-x64"),
    ],
)
def test_platform_names(
    system: str, machine: str, libc: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    assert claude_client.platform_name() == expected


def test_a_machine_without_a_build_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "sparc")
    with pytest.raises(ClientUnavailable, match="sparc"):
        claude_client.platform_name()


def test_it_is_fetched_once(npm_log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert claude_client.main(["path"]) == 1
    assert "make claude" in capsys.readouterr().err
    assert claude_client.main(["fetch"]) == 0
    program = capsys.readouterr().out.strip()
    assert Path(program).read_text() == "program\n"
    assert claude_client.main(["fetch"]) == 0
    assert claude_client.main(["path"]) == 0
    assert capsys.readouterr().out.split() == [program, program]
    arguments = npm_log.read_text().splitlines()[0]
    assert arguments.startswith("ci --ignore-scripts ")
    assert len(npm_log.read_text().splitlines()) == 2
    assert [path.name for path in npm_parts.CACHE.iterdir()] == ["claude"]


def test_it_is_fetched_for_another_system(
    npm_log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATFORM", "-win32-x64")
    monkeypatch.setenv("PROGRAM", "claude.exe")
    for action in ("fetch", "fetch", "path"):
        assert claude_client.main([action, "--platform", "win32-x64"]) == 0
    program = npm_parts.CACHE.joinpath(
        "claude-win32-x64/node_modules/@anthropic-ai/claude-code-win32-x64/claude.exe"
    )
    assert capsys.readouterr().out.split() == [str(program)] * 3
    assert npm_log.read_text().splitlines()[0].endswith("--os win32 --cpu x64")
    assert len(npm_log.read_text().splitlines()) == 2
    assert claude_client.main(["path"]) == 1


def test_an_older_one_is_locked_and_apart(
    npm_log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to 2.1.112 it is a script, for all platforms."""
    monkeypatch.setenv("PLATFORM", "")
    monkeypatch.setenv("PROGRAM", "cli.js")
    assert claude_client.older() == ["2.1.40", "2.1.100", "2.1.200"]
    for action in ("fetch", "fetch", "path"):
        assert claude_client.main([action, "--client", "2.1.100"]) == 0
    others = npm_parts.CACHE / "claude-others"
    program = others / "2.1.100" / "node_modules" / "@anthropic-ai" / "claude-code" / "cli.js"
    assert capsys.readouterr().out.split() == [str(program)] * 3
    assert npm_log.read_text().count("ci --ignore-scripts") == 1
    assert claude_client.main(["path"]) == 1
    assert [path.name for path in others.iterdir()] == ["2.1.100"]


def test_the_newest_is_fetched_anew_each_time(
    npm_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert claude_client.main(["fetch", "--client", "newest"]) == 0
    first, second = capsys.readouterr().out.split()
    assert first == second
    assert "/claude-others/newest/" in first
    asked = npm_log.read_text().splitlines()[::2]
    assert len(asked) == 2
    assert all(one.startswith("install --ignore-scripts ") for one in asked)
    assert all(one.endswith(" @anthropic-ai/claude-code@latest") for one in asked)
    assert claude_client.main(["path", "--client", "newest"]) == 0


def test_another_pinned_version_is_fetched_again(npm_log: Path) -> None:
    assert claude_client.main(["fetch"]) == 0
    (claude_client.INSTALLED / "package-lock.json").write_text("an older lock")
    assert claude_client.main(["fetch"]) == 0
    assert npm_log.read_text().count("ci --ignore-scripts") == 2
    assert claude_client.is_current(claude_client.platform_name())


def test_a_failure_says_why_and_keeps_the_old_one(
    npm_log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert claude_client.main(["fetch"]) == 0
    (claude_client.INSTALLED / "package.json").write_text("an older one")
    monkeypatch.setenv("FAIL", "no network")
    assert claude_client.main(["fetch"]) == 1
    assert "npm error no network" in capsys.readouterr().err
    assert claude_client.program(claude_client.platform_name()).is_file()
    assert [path.name for path in npm_parts.CACHE.iterdir()] == ["claude"]


def test_without_npm_it_says_what_to_install(
    npm_log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(npm_log.parent / "nothing"))
    assert claude_client.main(["fetch"]) == 1
    assert "npm is missing" in capsys.readouterr().err


def test_npm_gets_a_cache_where_there_is_no_home(
    npm_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("USERPROFILE", raising=False)
    assert claude_client.main(["fetch"]) == 0
    assert npm_log.read_text().splitlines()[1] == str(npm_parts.CACHE / "npm")
