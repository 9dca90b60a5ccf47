"""The sealed files and the plain ones beside them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from cco.sealing import names
from tests.conftest import Sandbox, wait_until
from tests.integration.doctor.conftest import examined, fixed_twice, found


@pytest.mark.parametrize("change", ["an event less", "another port"])
def test_plain_files_that_somebody_changed(healthy: Sandbox, client: Path, change: str) -> None:
    bridge = healthy.temp / names.BRIDGE
    if change == "another port":
        port = healthy.sealed().settings.port
        bridge.write_text(bridge.read_text().replace(str(port), "1"))
    else:
        document = json.loads(bridge.read_text())
        del document["hooks"]["Stop"]
        bridge.write_text(json.dumps(document))
    finding = found(examined(healthy, client, healthy=False), "files.bridge")
    assert finding["state"] == "problem"
    assert "cco daemon restart" in finding["advice"]


def test_a_stub_that_is_gone(healthy: Sandbox, client: Path) -> None:
    """The daemon puts it back within two seconds, perhaps before anybody looks."""
    stub = healthy.temp / names.PLUGIN / "agents/debugger.md"
    env = healthy.environment(CCO_CLAUDE=str(client))
    told: list[dict[str, Any]] = []

    def is_noticed() -> bool:
        stub.unlink(missing_ok=True)
        told.append(json.loads(healthy.run("doctor", "--json", env=env).out))
        return told[-1]["healthy"] is False

    wait_until(is_noticed, "a look at the folder before the stub is back")
    finding = found(told[-1], "files.plugin")
    assert finding["state"] == "problem"
    assert "cco daemon restart" in finding["advice"]


def test_a_sealed_file_that_is_open_to_others_is_closed(sandbox: Sandbox, client: Path) -> None:
    sandbox.ok("daemon", "start")
    for name in (names.RULES, names.SETTINGS):
        path = sandbox.temp / name
        path.chmod(0o644)
        assert examined(sandbox, client, healthy=False)["next"] == "cco doctor --fix"
        fixed_twice(sandbox, client, {names.RULES: "files.rules"}.get(name, "files.settings"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_not_followed_to_what_it_leads_to(
    source_sandbox: Sandbox, client: Path, tmp_path: Path
) -> None:
    source_sandbox.ok("daemon", "start")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    victim.chmod(0o644)
    path = source_sandbox.temp / names.RULES
    path.unlink()
    path.symlink_to(victim)
    assert examined(source_sandbox, client, "--fix", healthy=False)["fixed"] == []
    assert stat.S_IMODE(victim.stat().st_mode) == 0o644
