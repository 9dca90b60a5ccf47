"""Which Claude Code a program is, without running it, and what old ones are given."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.claude import versions
from cco.claude.bridge import EVENTS, HTTP_EVENTS, bridge_settings, needs_own_hooks
from cco.claude.versions import installed_version, parse_version, resource_version, spelled

OLD = (2, 1, 77)


def install(folder: Path, program: str, *, version: str = "2.1.77", name: str = "") -> Path:
    """An npm package with a program in it."""
    path = folder / program
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    package = {"name": f"@anthropic-ai/claude-code{name}", "version": version}
    (folder / "package.json").write_text(json.dumps(package))
    return path


def windows_program(number: tuple[int, int, int, int], *, head: bytes = b"PE\0\0") -> bytes:
    """The parts of a Windows program that say which version it is."""
    high, low = number[0] << 16 | number[1], number[2] << 16 | number[3]
    words = (0xFEEF04BD, 0x00010000, high, low)
    resources = b"resources" * 3 + b"".join(word.to_bytes(4, "little") for word in words)
    start, optional, offset = 128, 240, 2048
    dos = bytes(60) + start.to_bytes(4, "little") + bytes(start - 64)
    coff = head + bytes(2) + (2).to_bytes(2, "little") + bytes(12)
    coff += optional.to_bytes(2, "little") + bytes(2)
    sizes = len(resources).to_bytes(4, "little") + offset.to_bytes(4, "little")
    sections = b".text\0\0\0" + bytes(32) + b".rsrc\0\0\0" + bytes(8) + sizes + bytes(16)
    return (dos + coff + bytes(optional) + sections).ljust(offset, b"\0") + resources


@pytest.mark.parametrize("program", ["cli.js", "bin/claude.exe", "claude"])
def test_an_npm_package_tells_its_version(tmp_path: Path, program: str) -> None:
    path = install(tmp_path / "claude-code", program, name="-linux-x64")
    assert installed_version(path) == OLD
    link = tmp_path / "bin" / "claude"
    link.parent.mkdir()
    link.symlink_to(path)
    assert installed_version(link) == OLD


@pytest.mark.parametrize(
    "place", ["share/claude/versions/2.1.77", "Caskroom/claude-code/2.1.77/claude"]
)
def test_the_place_of_an_installer_tells_it(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    path.write_text("")
    link = tmp_path / "claude"
    link.symlink_to(path)
    assert installed_version(link) == OLD


def test_the_version_of_something_else_is_not_taken(tmp_path: Path) -> None:
    wrapper = tmp_path / "node" / "v20.20.2" / "bin" / "claude"
    wrapper.parent.mkdir(parents=True)
    wrapper.write_text("")
    (wrapper.parent / "package.json").write_text('{"name": "claude", "version": "2.1.77"}')
    assert installed_version(wrapper) is None


@pytest.mark.parametrize(
    "package",
    ["", "[]", '"text"', "{}", '{"name": "@anthropic-ai/claude-code"}', "[" * 100_000, "\0\xff",
     '{"name": "@anthropic-ai/claude-code", "version": "next"}',
     '{"name": "@anthropic-ai/claude-code", "version": [2, 1, 77]}'],
)  # fmt: skip
def test_a_package_that_makes_no_sense_tells_nothing(tmp_path: Path, package: str) -> None:
    path = install(tmp_path, "claude")
    (tmp_path / "package.json").write_text(package)
    assert installed_version(path) is None
    assert installed_version(tmp_path / "gone" / "claude") is None


def test_a_windows_program_tells_it_in_its_resources(tmp_path: Path) -> None:
    path = tmp_path / "claude.exe"
    path.write_bytes(windows_program((2, 1, 330, 0)))
    assert resource_version(str(path)) == (2, 1, 330)
    whole = path.read_bytes()
    for data in (
        b"",
        b"MZ",
        whole[:300],
        whole[:-4],
        windows_program((2, 1, 1, 0), head=b"NE\0\0"),
    ):
        path.write_bytes(data)
        assert resource_version(str(path)) is None
    assert resource_version(str(tmp_path)) is None


@given(st.binary(max_size=400))
def test_no_program_is_too_strange(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "strange.exe"
    path.write_bytes(b"MZ".ljust(60, b"\0") + (64).to_bytes(4, "little") + b"PE\0\0" + data)
    resource_version(str(path))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.1.330 (Claude Code)", (2, 1, 330)), ("2.1.330", (2, 1, 330)), ("2.0.0\n", (2, 0, 0)),
        ("claude 10.20.30", (10, 20, 30)), ("2.1.330-beta.1", (2, 1, 330)),
        ("", None), (" ", None), ("claude", None), ("2.1", None), ("2.1.x", None),
        ("2.1.0.4", None), ("2.1.-3", None), ("2.1.٣", None), ("123456.1.1", None), ("2..1", None),
    ],
)  # fmt: skip
def test_what_is_a_version(text: str, version: versions.Version | None) -> None:
    assert parse_version(text) == version
    if version is not None:
        assert parse_version(spelled(version)) == version


def test_a_client_of_today_lacks_nothing() -> None:
    assert versions.TESTED >= versions.FULL > versions.MINIMUM
    assert versions.shortcomings(versions.FULL) == []
    assert versions.shortcoming(versions.MINIMUM) is None
    assert versions.shortcoming((2, 1, 39)) == "cco needs 2.1.40 or newer"
    before = (versions.FULL[0], versions.FULL[1], versions.FULL[2] - 1)
    assert len(versions.shortcomings(before)) == 1
    assert len(versions.shortcomings(versions.MINIMUM)) > 2


def hooks(client: versions.Version | None) -> dict[str, dict[str, object]]:
    settings = bridge_settings(4711, ["/opt/cco"], status_line=True, client=client)
    return {event: entries[0]["hooks"][0] for event, entries in settings["hooks"].items()}


@pytest.mark.parametrize("client", [None, versions.TESTED, versions.FULL, (3, 0, 0)])
def test_clients_of_today_share_their_hooks(client: versions.Version | None) -> None:
    assert not needs_own_hooks(client)
    assert hooks(client) == hooks(None)
    assert set(hooks(client)) == set(EVENTS)


def test_a_client_is_told_of_no_event_that_it_does_not_know() -> None:
    """It would leave out the whole document."""
    assert needs_own_hooks((2, 1, 75))
    own = hooks((2, 1, 75))
    assert set(own) == set(EVENTS) - {"PostCompact"}
    assert {own[event]["type"] for event in own if event in HTTP_EVENTS} == {"http"}
    headers = own["Stop"]["headers"]
    assert isinstance(headers, dict)
    assert headers["X-CCO-Client"] == "2.1.75"
    assert own["SessionStart"]["command"] == "/opt/cco hook SessionStart --client 2.1.75"


def test_a_client_without_http_hooks_gets_commands() -> None:
    own = hooks((2, 1, 62))
    assert set(own) == set(EVENTS) - {"PostCompact", "PermissionRequest"}
    for event, hook in own.items():
        assert hook["type"] == "command"
        assert hook["command"] == f"/opt/cco hook {event} --client 2.1.62"


def test_windows_names_no_arguments_to_a_client_that_ignores_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would run the program without any, which starts a session in the session."""
    monkeypatch.setattr(sys, "platform", "win32")
    for client in (None, (2, 1, 139), versions.TESTED):
        args = hooks(client)["SessionStart"]["args"]
        assert isinstance(args, list)
        assert args[:2] == ["hook", "SessionStart"]
    own = hooks((2, 1, 138))["SessionStart"]
    assert "args" not in own
    assert own["command"] == "/opt/cco hook SessionStart --client 2.1.138"
