"""A Claude Code that cannot be what a launch needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Sandbox, wait_until
from tests.integration.doctor.conftest import examined, found


def test_a_client_that_hangs_is_given_up(
    source_sandbox: Sandbox, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whatever it has started, which holds its output open."""
    from cco.doctor.child import Child

    client.write_text("#!/bin/sh\nsleep 600 &\nexec sleep 600\n")
    child = Child([str(client)], source_sandbox.environment())
    assert child.ended(0.2) is None
    wait_until(lambda: not source_sandbox.processes(), "the end of all that it started")


def test_a_client_that_fails_is_a_problem(source_sandbox: Sandbox, client: Path) -> None:
    client.write_text("#!/bin/sh\nexit 3\n")
    finding = found(examined(source_sandbox, client, healthy=False), "claude.program")
    assert "--version exits 3" in finding["detail"]


def test_a_client_that_is_cco_again(source_sandbox: Sandbox, client: Path) -> None:
    client.write_text("#!/bin/sh\necho 'cco 0.1.0 (checkout, development build)'\n")
    finding = found(examined(source_sandbox, client, healthy=False), "claude.program")
    assert "leads back to cco" in finding["detail"]
