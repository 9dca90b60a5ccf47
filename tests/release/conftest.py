"""Fixtures: a release's files in small, and a stand-in for gh that keeps what it is told."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from release import assets, checksums
from release.names import PARTS_SUFFIX, PLATFORMS

from cco.build_info import VERSION

CHANGELOG = f"# Changelog\n\n## [Unreleased]\n\n## [{VERSION}] - 2026-01-31\n\n- All of it.\n"

_GH = Path(__file__).with_name("fake_gh.py")


@dataclass
class FakeGh:
    """The stand-in's state."""

    folder: Path

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return found

    def change(self, **values: object) -> None:
        (self.folder / "state.json").write_text(json.dumps({**self.state, **values}))

    def sent(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [(method, path, body) for method, path, body in self.state["sent"]]


@pytest.fixture
def fake_gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGh:
    """gh on PATH, and a repository's name in the environment."""
    if sys.platform == "win32":
        pytest.skip("the stand-in for gh is a script with a shebang")
    folder = install_fake_gh(tmp_path / "gh")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/cco")
    monkeypatch.setenv("GH_TOKEN", "not-a-token")
    return FakeGh(folder)


def install_fake_gh(folder: Path) -> Path:
    """Make a folder for PATH with the stand-in and its state."""
    folder.mkdir()
    empty: dict[str, object] = {
        "calls": [],
        "sent": [],
        "release": None,
        "lost": [],
        "unattested": [],
        "api": {},
    }
    (folder / "state.json").write_text(json.dumps(empty))
    (folder / "gh").write_text(f"#!{sys.executable}\n{_GH.read_text()}")
    (folder / "gh").chmod(0o755)
    return folder


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What the build jobs hand over: every file of a release but SHA256SUMS, in folders."""
    return make_built(tmp_path / "built", VERSION)


@pytest.fixture
def release_folder(built: Path, tmp_path: Path) -> Path:
    """A complete release."""
    assets.collect(assets.expected(VERSION), built, tmp_path / "release")
    return tmp_path / "release"


def make_built(folder: Path, version: str) -> Path:
    for target in PLATFORMS:
        place = folder / target
        place.mkdir(parents=True)
        for name in assets.artefacts(version, target):
            (place / name).write_bytes(f"contents of {name}".encode())
            write_parts(place / name)
    for name in assets.INSTALLERS:
        (folder / name).write_text("#!/bin/sh\n")
    return folder


def write_parts(artefact: Path) -> None:
    hashes = [{"alg": "SHA-256", "content": checksums.digest_of(artefact)}]
    document = {"metadata": {"component": {"hashes": hashes}}}
    artefact.with_name(artefact.name + PARTS_SUFFIX).write_text(json.dumps(document))
