"""What the dashboard takes from npm is pinned, without a server, and in the sources unchanged."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import web_parts

LOCK = web_parts.PINNED / "package-lock.json"


def test_the_lock_pins_and_names_no_server() -> None:
    text = LOCK.read_text()
    wanted = json.loads((web_parts.PINNED / "package.json").read_text())
    packages = json.loads(text)["packages"]
    asked = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert set(packages) == {"", *(f"node_modules/{name}" for name in asked)}
    for name, version in asked.items():
        assert packages[f"node_modules/{name}"]["version"] == version
        assert packages[f"node_modules/{name}"]["integrity"].startswith("sha512-")
    assert "resolved" not in text
    assert "://" not in text


def test_the_sources_have_the_pinned_version() -> None:
    version = json.loads((web_parts.PINNED / "package.json").read_text())["dependencies"]["uplot"]
    head = (web_parts.VENDOR / "uPlot.iife.min.js").read_text()[:200]
    assert f"(v{version})" in head
    assert {path.name for path in web_parts.VENDOR.iterdir()} == set(web_parts.VENDORED)


def test_nothing_of_the_dashboard_comes_from_elsewhere() -> None:
    for path in (web_parts.VENDOR.parent).rglob("*"):
        if path.is_file() and web_parts.VENDOR not in path.parents:
            found = re.findall(r"https?://[^\s\"')]+", path.read_text())
            assert [one for one in found if "www.w3.org/2000/svg" not in one] == [], path


def test_a_changed_copy_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed, vendor = tmp_path / "installed", tmp_path / "vendor"
    for source in web_parts.VENDORED.values():
        path = installed / "node_modules" / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    monkeypatch.setattr(web_parts, "INSTALLED", installed)
    monkeypatch.setattr(web_parts, "VENDOR", vendor)
    with pytest.raises(web_parts.PartsUnavailable, match="update"):
        web_parts.check()
    web_parts.update()
    web_parts.check()
    (vendor / "uPlot.min.css").write_text("changed")
    with pytest.raises(web_parts.PartsUnavailable, match=r"uPlot\.min\.css"):
        web_parts.check()
