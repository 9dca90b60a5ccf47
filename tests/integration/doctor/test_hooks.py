"""Whether what Claude Code reports reaches the daemon."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cco.sealing import names
from tests.conftest import Sandbox
from tests.integration.doctor.conftest import examined, found


@pytest.mark.parametrize("fault", ["gone", "another", "fails"])
def test_a_hook_command_that_does_not_work(healthy: Sandbox, client: Path, fault: str) -> None:
    """As after an upgrade or a move of the program that the daemon was started by."""
    bridge = healthy.temp / names.BRIDGE
    document = json.loads(bridge.read_text())
    hook = document["hooks"]["SessionStart"][0]["hooks"][0]
    program = {"gone": "/absent/cco", "another": "echo", "fails": "false"}[fault]
    hook["command"] = f"{program} hook SessionStart"
    bridge.write_text(json.dumps(document))
    finding = found(examined(healthy, client, healthy=False), "hooks.command")
    assert finding["state"] == "problem"
    assert "cco daemon restart" in finding["advice"]
    if fault == "gone":
        assert "exits 127" in finding["detail"]


def test_a_proxy_is_excepted_by_a_launch(daemon: Sandbox, client: Path) -> None:
    proxies = {"HTTP_PROXY": "http://proxy.example:3128", "NO_PROXY": "example.org"}
    document = examined(daemon, client, env=proxies)
    assert found(document, "hooks.proxy")["state"] == "ok"
    assert "HTTP_PROXY" in found(document, "hooks.proxy")["detail"]
    assert found(document, "hooks.http")["state"] == "ok"
