"""What the doctor is asked by, and a daemon whose plain files it may find changed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cco.sealing import names
from tests.conftest import Sandbox

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs/doctor.schema.json").read_text())
CLIENT = '#!/bin/sh\n[ "$1" = --version ] && echo "2.1.330 (Claude Code)"\n'
OLD_S = 3600


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A Claude Code that only says its version."""
    path = tmp_path / "client/claude"
    path.parent.mkdir()
    path.write_text(CLIENT)
    path.chmod(0o755)
    return path


def examined(
    sandbox: Sandbox,
    client: Path,
    *options: str,
    healthy: bool = True,
    env: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the doctor finds, as the documented schema has it; the exit code must fit."""
    variables = {"CCO_CLAUDE": str(client), **(env or {})}
    result = sandbox.run("doctor", "--json", *options, env=sandbox.environment(**variables))
    document = json.loads(result.out)
    assert (result.code, result.err) == (0 if healthy else 1, ""), document
    assert document["healthy"] is healthy
    jsonschema.validate(document, SCHEMA)
    return dict(document)


def found(document: dict[str, Any], finding_id: str) -> dict[str, Any]:
    (one,) = [one for one in document["findings"] if one["id"] == finding_id]
    return dict(one)


def age(path: Path) -> None:
    then = time.time() - OLD_S
    os.utime(path, (then, then), follow_symlinks=False)


@pytest.fixture
def healthy(daemon: Sandbox) -> Iterator[Sandbox]:
    """The module's daemon; its plain files are put back afterwards."""
    paths = (daemon.temp / names.BRIDGE, daemon.temp / names.PLUGIN / "agents/debugger.md")
    kept = {path: path.read_bytes() for path in paths}
    yield daemon
    for path, data in kept.items():
        path.touch(0o600)
        path.write_bytes(data)


def fixed_twice(sandbox: Sandbox, client: Path, finding_id: str) -> str:
    """Have something put right, see that it is, and that there is nothing to do again."""
    (done,) = examined(sandbox, client, "--fix")["fixed"]
    assert done["id"] == finding_id
    again = examined(sandbox, client, "--fix")
    assert again["fixed"] == []
    assert not [one for one in again["findings"] if one["fix"]]
    return str(done["done"])
