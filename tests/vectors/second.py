"""Run the second implementation, sealing.mjs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cco.sealing.keys import Identity

SCRIPT = Path(__file__).with_name("sealing.mjs")
NODE = shutil.which("node")
_TIMEOUT_S = 60

needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")


def run(*arguments: str | Path, stdin: Mapping[str, Any] | None = None) -> tuple[int, Any, str]:
    """Run one command: its exit status, the JSON that it printed (None for none), and stderr."""
    assert NODE is not None
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    done = subprocess.run(
        [NODE, str(SCRIPT), *map(str, arguments)],
        input=b"" if stdin is None else json.dumps(stdin).encode(),
        capture_output=True,
        env=environment,
        timeout=_TIMEOUT_S,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "null"), done.stderr.decode()


def run_cases(command: str, cases: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Have a batch of cases sealed or opened by one process."""
    code, document, errors = run(command, stdin={"cases": cases})
    assert code == 0, errors
    results: list[dict[str, str]] = document["results"]
    assert len(results) == len(cases)
    return results


def identity_document(identity: Identity) -> dict[str, str]:
    """An identity as the second implementation takes it."""
    return {
        "machine_id": identity.machine_id,
        "username": identity.username,
        "build_secret": identity.build_secret.hex(),
    }
