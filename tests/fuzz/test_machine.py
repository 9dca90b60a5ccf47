"""Machine id and account name: whatever the system says, an identity or the error for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import machineid
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cco.errors import MachineIdUnavailable
from cco.sealing import identity
from cco.sealing.envelope import seal, unseal
from cco.sealing.keys import Identity
from cco.sealing.names import RULES

IOREG = """+-o MacBookPro18,3  <class IOPlatformExpertDevice>
    {
      "IOPlatformUUID" = "%s"
    }
"""


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setattr(identity, "data_folder", lambda: folder)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="needs sh and awk")
def test_any_output_of_ioreg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: Path) -> None:
    """Through the library's own pipeline, with something in the place of `ioreg`."""
    told, tools = tmp_path / "told", tmp_path / "tools"
    tools.mkdir()
    (tools / "ioreg").write_text(f"#!/bin/sh\nexec cat '{told}'\n")
    (tools / "ioreg").chmod(0o755)
    monkeypatch.setattr(identity, "_MACOS_PATH", f"{tools}:{identity._MACOS_PATH}")
    monkeypatch.setattr(machineid, "platform", "darwin")

    def found_for(output: bytes) -> identity.MachineId:
        told.write_bytes(output)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.platform", "darwin")
            return identity.machine_id()

    @settings(max_examples=40)  # each starts three processes
    @given(st.binary(max_size=80) | st.text(max_size=40).map(lambda text: (IOREG % text).encode()))
    @example(b'"IOPlatformUUID" = "\xff"')
    def holds(output: bytes) -> None:
        assert_usable(found_for(output), data)

    holds()
    uuid = "17A28A73-BEA9-4D4B-AF5B-03A5AAE9B92C"
    assert found_for((IOREG % uuid).encode()).value == uuid


def assert_usable(found: identity.MachineId, data: Path) -> None:
    """Something to bind keys to, of the system or one of our own."""
    assert found.value
    assert found.value != "uninitialized"
    assert found.source in ("operating system", str(data / identity.FALLBACK_FILE))
    one = Identity(found.value, "user", b"secret")
    assert unseal(seal(b"x", RULES, one), RULES, one) == b"x"


def test_whatever_the_library_says(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.none())
    @example("uninitialized")
    @example("")
    def holds(value: str | None) -> None:
        def answer() -> str:
            if value is None:
                raise machineid.MachineIdNotFound
            return value

        monkeypatch.setattr(machineid, "id", answer)
        found = identity.machine_id()
        assert_usable(found, data)
        assert identity.machine_id() == found

    holds()


def test_any_file_in_the_place_of_a_kept_id(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    def nothing() -> str:
        raise machineid.MachineIdNotFound

    monkeypatch.setattr(machineid, "id", nothing)
    path = data / identity.FALLBACK_FILE
    data.mkdir()
    path.touch(0o600)

    @given(st.binary(max_size=100) | st.from_regex(rb"\s*[0-9a-fA-F]{63,65}\s*", fullmatch=True))
    @example(b"x" * 5_000)
    @example("٣".encode() * 64)
    def holds(contents: bytes) -> None:
        path.write_bytes(contents)
        try:
            found = identity.machine_id().value
        except MachineIdUnavailable as error:
            assert str(path) in str(error)
        else:
            assert len(found) == 64
            assert set(found) <= set("0123456789abcdef")
        assert path.read_bytes() == contents

    holds()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no account database of bytes")
def test_any_name_of_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    @given(st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name))
    def holds(name: bytes) -> None:
        decoded = SimpleNamespace(pw_name=os.fsdecode(name))
        monkeypatch.setattr("pwd.getpwuid", lambda uid: decoded)
        found = identity.username()
        assert found.encode(errors="surrogateescape") == name
        assert Identity("m", found, b"s").ikm

    holds()
