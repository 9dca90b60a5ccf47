"""What builds and tests use is pinned by hash, and the locks name no server and no machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

BUILD = Path(__file__).parent.parent.parent / "build"
LOCKS = sorted((BUILD / "requirements").glob("*.txt"))
CLIENTS = sorted((BUILD / "claude-clients").iterdir())
PLATFORMS = ("darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win32-arm64", "win32-x64")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_is_pinned_with_hashes(lock: Path) -> None:
    text = re.sub(r"\\\n", " ", lock.read_text())
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+==[^ ;]+( ; [^-]+)?( +--hash=sha256:[0-9a-f]{64})+$", line)
    assert "://" not in text


def test_what_is_asked_for_is_what_is_locked() -> None:
    for wanted in (BUILD / "requirements").glob("*.in"):
        locked = wanted.with_suffix(".txt").read_text().lower()
        for line in wanted.read_text().lower().splitlines():
            requirement = line.split("#")[0].split(";")[0].strip()
            if requirement and not requirement.startswith("-c"):
                assert re.search(rf"^{re.escape(requirement)}(==| )", locked, re.M), requirement


def test_the_client_is_pinned_for_every_platform() -> None:
    wanted = json.loads((BUILD / "claude-client" / "package.json").read_text())
    text = (BUILD / "claude-client" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    version = wanted["dependencies"]["@anthropic-ai/claude-code"]
    for name in ("", *(f"-{platform}" for platform in PLATFORMS)):
        package = packages[f"node_modules/@anthropic-ai/claude-code{name}"]
        assert package["version"] == version
        assert package["integrity"].startswith("sha512-")
    assert "resolved" not in text
    assert "://" not in text


@pytest.mark.parametrize("folder", CLIENTS, ids=lambda folder: folder.name)
def test_older_clients_are_pinned_too(folder: Path) -> None:
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    assert wanted == {"@anthropic-ai/claude-code": folder.name}
    text = (folder / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert packages.pop("")["dependencies"] == wanted
    assert packages["node_modules/@anthropic-ai/claude-code"]["version"] == folder.name
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert "resolved" not in text
