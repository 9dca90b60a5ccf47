"""The doctor's judgements where the real thing cannot be had: other systems, other people."""

from __future__ import annotations

import errno
import json
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cco.claude.bridge import bridge_settings
from cco.claude.headers import PROBE
from cco.claude.user_settings import UserSettings
from cco.daemon import sockets
from cco.doctor import clock, hooks, program, temp
from cco.doctor.claude_code import judged
from cco.doctor.finding import NOTE, OK, PROBLEM, Finding, guarded
from cco.doctor.hooks import Hooks, probe_command
from cco.doctor.situation import Situation
from cco.errors import SealedFileChanged

LISTENS = "   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000 {} 0 1 1\n"


def nothing(folder: Path) -> Situation:
    return Situation(temp=folder, folder=folder)


def state_of(findings: Iterator[Finding], finding_id: str) -> str:
    (found,) = [finding for finding in findings if finding.id == finding_id]
    return found.state


# --- guards ---


def failing(error: Exception) -> Iterator[Finding]:
    yield Finding("a.first", "first", OK, "looked at")
    raise error


@pytest.mark.parametrize(
    ("error", "state", "told"),
    [
        (SealedFileChanged("changed"), PROBLEM, "changed"),
        (PermissionError(errno.EACCES, "Permission denied"), NOTE, "Permission denied"),
        (KeyError("x"), PROBLEM, "unexpected KeyError"),
    ],
)
def test_what_fails_in_one_area_is_found_and_ends_nothing(
    error: Exception, state: str, told: str
) -> None:
    first, second = guarded("a.second", "second", lambda: failing(error))
    assert first.state == OK
    assert (second.id, second.state) == ("a.second", state)
    assert told in second.detail


# --- the temp folder ---


def test_a_folder_that_takes_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert temp.unwritable(tmp_path) is None
    assert list(tmp_path.iterdir()) == []

    def refuse(*_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "open", refuse)
    assert temp.unwritable(tmp_path) == "takes no files: Read-only file system"


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EINVAL, errno.EISDIR])
def test_a_file_system_without_nameless_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    assert temp.unwritable(tmp_path) is None
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert temp.unwritable(tmp_path) == "is not writable"


@pytest.mark.parametrize(("free_mib", "state"), [(0, PROBLEM), (20, NOTE), (5_000, OK)])
def test_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_mib: int, state: str) -> None:
    import shutil

    usage = shutil.disk_usage(tmp_path)._replace(free=free_mib << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert state_of(temp.examine(nothing(tmp_path)), "temp.room") == state


def test_a_folder_of_ours_that_somebody_opened(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o755)
    situation = Situation(temp=tmp_path, folder=private)
    assert state_of(temp.examine(situation), "temp.folder") == PROBLEM
    private.chmod(0o700)
    assert state_of(temp.examine(situation), "temp.folder") == NOTE


# --- ports ---


def test_the_owner_of_a_port_that_only_linux_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = {"/proc/net/tcp": "  sl  local_address rem_address st\n" + LISTENS.format(0)}

    def read(path: str, **_: object) -> Any:
        copy = tmp_path / path.replace("/", "_")
        copy.write_text(tables.get(path, "  sl  local_address rem_address st\n"))
        return copy.open()

    monkeypatch.setattr(sockets, "_listeners", lambda port: iter(()))
    monkeypatch.setattr("builtins.open", read)
    assert sockets.port_owner(3000) == "a process of root"
    assert sockets.port_owner(3001) is None
    tables["/proc/net/tcp"] = tables["/proc/net/tcp"].replace(" 0 0 1 1", " 4000000000 0 1 1")
    assert sockets.port_owner(3000) == "a process of uid 4000000000"


def test_the_owner_of_a_port_where_nobody_may_ask_about_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """macOS."""
    import socket

    def refuse(**_: object) -> list[Any]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    with socket.create_server(("127.0.0.1", 0)) as mine:
        owner = sockets.port_owner(mine.getsockname()[1])
    assert owner is not None
    assert owner.endswith(f"(pid {os.getpid()})")


# --- hooks ---


@pytest.mark.parametrize("path", ["/opt/cco", "/my tools/SessionStart/cco", "/it's/cco"])
def test_the_command_of_the_bridge_with_the_probe_in_it(path: str) -> None:
    bridge = bridge_settings(3000, [path], status_line=False)
    probed = probe_command(json.dumps(bridge).encode())
    assert isinstance(probed, str)
    assert shlex.split(probed) == [path, "hook", PROBE]


def test_the_command_of_the_bridge_without_a_shell() -> None:
    hook = {"command": r"C:\cco.exe", "args": ["hook", "SessionStart"]}
    document = {"hooks": {"SessionStart": [{"hooks": [hook]}]}}
    assert probe_command(json.dumps(document).encode()) == [r"C:\cco.exe", "hook", PROBE]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"hooks": {"SessionStart": []}}',
        '{"hooks": {"SessionStart": [{"hooks": [{"command": "x"}]}]}}',
    ],
)
def test_what_is_no_bridge(text: str) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        probe_command(text.encode())


@pytest.mark.parametrize(
    ("managed", "state"),
    [
        ({}, OK),
        ({"NO_PROXY": "example.org"}, PROBLEM),
        ({"no_proxy": ""}, PROBLEM),
        ({"NO_PROXY": "localhost, 127.0.0.1", "no_proxy": "*"}, OK),
        ({"no_proxy": 5}, OK),
    ],
)
def test_managed_settings_that_send_loopback_to_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, managed: dict[str, Any], state: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:sesame@proxy.example")
    settings = UserSettings(
        has_status_line=False, exports_telemetry=False, managed_variables=managed
    )
    (finding,) = Hooks(nothing(tmp_path), settings).examine()
    assert (finding.id, finding.state) == ("hooks.proxy", state)
    assert "sesame" not in finding.detail + finding.advice


def test_without_a_proxy_there_is_nothing_to_except(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.lower() in hooks._PROXIES:
            monkeypatch.delenv(name)
    settings = UserSettings(has_status_line=False, exports_telemetry=False)
    (finding,) = Hooks(nothing(tmp_path), settings).examine()
    assert finding.detail == "none is set"


# --- Claude Code, this program, clocks ---


@pytest.mark.parametrize(
    ("version", "state", "told"),
    [
        ("2.1.39 (Claude Code)", PROBLEM, "too old: cco needs 2.1.40"),
        ("2.1.40 (Claude Code)", NOTE, "its hooks are commands"),
        ("2.1.200", NOTE, "by their transcripts"),
        ("2.1.330", OK, "to 2.1.330"),
        ("9.0.0 (Claude Code)", OK, "newer"),
        ("what?", NOTE, "none that could be compared"),
    ],
)
def test_the_version_of_the_client_is_judged(version: str, state: str, told: str) -> None:
    finding = judged(version)
    assert (finding.id, finding.state) == ("claude.version", state)
    assert told in finding.detail


def test_every_cco_on_path_in_order(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("one", "two", "three"))
    for folder in (first, second, third):
        folder.mkdir()
        (folder / "cco").write_text("#!/bin/sh\n")
        (folder / "cco").chmod(0o755)
    (second / "cco").chmod(0o644)
    (tmp_path / "link").symlink_to(first)
    value = os.pathsep.join(map(str, (first, tmp_path / "link", second, "relative", third)))
    assert list(program.on_path(value)) == [first / "cco", third / "cco"]


def test_a_clock_that_went_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert state_of(clock.examine(nothing(tmp_path)), "clock.files") == OK
    before = tmp_path.stat().st_mtime - 60
    monkeypatch.setattr(time, "time", lambda: before)
    assert state_of(clock.examine(nothing(tmp_path)), "clock.files") == NOTE
