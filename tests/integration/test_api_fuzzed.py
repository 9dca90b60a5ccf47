"""schemathesis against a running daemon: nothing that the description does not say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cco.daemon.api.openapi.document import description
from tests.conftest import TIMEOUT_S, Sandbox
from tests.integration.test_http_api import assert_problem

_EXAMPLES = 12
_NEVER_ENDING = "streamEvents"
_SHUTDOWN = "/api/v1/shutdown"
_PLATFORMS_OWN = ("postNote",)
"""What takes a folder: which text names one depends on the operating system."""


def unguessable() -> list[str]:
    """The operations that may refuse what their schema allows: nobody guesses a cursor."""
    return [
        one["operationId"]
        for described in description()["paths"].values()
        for one in described.values()
        if any(parameter["name"] == "cursor" for parameter in one["parameters"])
    ]


def fuzz(daemon: Sandbox, folder: Path, *arguments: str) -> str:
    """Run schemathesis to its end, demand success, and return what it printed."""
    settings = daemon.sealed().settings
    config = folder / "schemathesis.toml"
    config.write_text(
        f"[[operations]]\ninclude-operation-id = {[*unguessable(), *_PLATFORMS_OWN]}\n"
        "checks.positive_data_acceptance.enabled = false\n"
    )
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        f"http://127.0.0.1:{settings.port}/api/v1/openapi.json",
        *("--header", f"Authorization: Bearer {settings.token}"),
        *("--max-examples", str(_EXAMPLES), "--generation-deterministic", "--no-shrink"),
        *("--suppress-health-check", "all", "--workers", "1", "--no-color", *arguments),
    ]
    process = subprocess.run(
        command,
        cwd=folder,
        env=daemon.environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S * 2,
        check=False,
    )
    assert process.returncode == 0, f"{process.stdout}\n{process.stderr}"
    return process.stdout


@pytest.mark.usefixtures("undisturbed")
def test_every_answer_is_as_described(daemon: Sandbox, tmp_path: Path) -> None:
    for number in range(3):
        daemon.hook("SessionStart", f"s{number}", source="startup", cwd="/project")
    left_out = ("--exclude-operation-id", _NEVER_ENDING, "--exclude-path", _SHUTDOWN)
    told = fuzz(daemon, tmp_path, *left_out)
    assert re.search(r"\b(\d+) generated, \1 passed", told), told


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'"handover"', b"\xff"])
def test_a_malformed_shutdown_shuts_nothing_down(daemon: Sandbox, body: bytes) -> None:
    assert_problem(daemon.request("POST", _SHUTDOWN, body), 400)
    assert_problem(daemon.request("POST", _SHUTDOWN, body, {"Content-Type": "text/plain"}), 415)
    assert_problem(daemon.request("POST", _SHUTDOWN, body, token=False), 401)
    assert_problem(daemon.request("GET", _SHUTDOWN), 405)
