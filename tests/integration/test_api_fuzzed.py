"""schemathesis against a running daemon: nothing that the description does not say.

`make fuzz` runs the same for longer, with other data each time (CCO_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cco.daemon.api.openapi.document import description
from tests.conftest import FUZZ_EXAMPLES, TIMEOUT_S, Sandbox
from tests.integration.test_http_api import assert_problem

_EXAMPLES = FUZZ_EXAMPLES or 12
_COVERAGE = ("--phases", "coverage")
_BRIEFLY = () if FUZZ_EXAMPLES else _COVERAGE
_TIMEOUT_S = 7_200 if FUZZ_EXAMPLES else 2 * TIMEOUT_S
_NEVER_ENDING = "streamEvents"
_SHUTDOWN = "/api/v1/shutdown"
_PAGES_OWN = ("postSignIn", "postSignOut")
"""What only a page in a browser may do, which says where it comes from."""
_REFUSALS = (400, 401, 403, 404, 405, 409, 413, 415, 421, 429)
_PLATFORMS_OWN = ("postNote",)
"""What takes a folder: which text names one depends on the operating system."""


def operations() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every operation that is described, with its path."""
    for path, described in description()["paths"].items():
        for one in described.values():
            yield path, one


def unguessable() -> list[str]:
    """The operations that may refuse what their schema allows: nobody guesses a cursor or a code,
    and what a page sends is short."""
    return [
        one["operationId"]
        for _, one in operations()
        if one["operationId"] in _PAGES_OWN
        or any(parameter["name"] == "cursor" for parameter in one["parameters"])
    ]


def fuzz(daemon: Sandbox, folder: Path, *arguments: str, token: bool = True) -> str:
    """Run schemathesis to its end, demand success, and return what it printed."""
    settings = daemon.sealed().settings
    config = folder / "schemathesis.toml"
    config.write_text(
        f"[[operations]]\ninclude-operation-id = {[*unguessable(), *_PLATFORMS_OWN]}\n"
        "checks.positive_data_acceptance.enabled = false\n"
        f"[checks.negative_data_rejection]\nexpected-statuses = {[*_REFUSALS]}\n"
    )
    (folder / "openapi.json").write_bytes(daemon.request("GET", "/api/v1/openapi.json").body)
    address = f"http://127.0.0.1:{settings.port}"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
        *(str(folder / "openapi.json"), "--url", address),
        *(("--header", f"Authorization: Bearer {settings.token}") if token else ()),
        *("--max-examples", str(_EXAMPLES)),
        *(() if FUZZ_EXAMPLES else ("--generation-deterministic", "--no-shrink")),
        *("--suppress-health-check", "all", "--workers", "1", "--no-color", *arguments),
    ]
    process = subprocess.run(
        command,
        cwd=folder,
        env=daemon.environment(),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert process.returncode == 0, f"{process.stdout}\n{process.stderr}"
    return process.stdout


def count_tested(told: str) -> int:
    """How many operations were tested, which must be all that were meant."""
    found = re.search(r"Selected: (\d+)/\d+\n\s*Tested: (\d+)", told)
    assert found, told
    assert found[1] == found[2], told
    return int(found[1])


@pytest.mark.usefixtures("undisturbed")
def test_every_answer_is_as_described(daemon: Sandbox, tmp_path: Path) -> None:
    for number in range(3):
        daemon.hook("SessionStart", f"s{number}", source="startup", cwd="/project")
    left_out = ("--exclude-operation-id", _NEVER_ENDING, "--exclude-path", _SHUTDOWN)
    told = fuzz(daemon, tmp_path, *left_out)
    assert re.search(r"\b(\d+) generated, \1 passed", told), told
    assert count_tested(told) >= len(list(operations())) - 2


@pytest.mark.usefixtures("undisturbed")
def test_what_a_page_may_do_is_as_described(daemon: Sandbox, tmp_path: Path) -> None:
    """With the Origin of our own page it comes further than to a refusal."""
    origin = f"Origin: http://127.0.0.1:{daemon.sealed().settings.port}"
    chosen = [part for one in _PAGES_OWN for part in ("--include-operation-id", one)]
    told = fuzz(daemon, tmp_path, *chosen, "--header", origin, token=False)
    assert count_tested(told) == len(_PAGES_OWN)


@pytest.mark.usefixtures("undisturbed")
def test_without_the_token_nothing_is_told_and_nothing_done(
    daemon: Sandbox, tmp_path: Path
) -> None:
    before = state_of(daemon)
    secured = [one["operationId"] for _, one in operations() if one.get("security") != []]
    chosen = [part for one in secured for part in ("--include-operation-id", one)]
    acceptance = ("--exclude-checks", "positive_data_acceptance")
    told = fuzz(daemon, tmp_path, *chosen, *acceptance, *_BRIEFLY, token=False)
    assert count_tested(told) == len(secured)
    assert f"{len(secured)} operations returned only 401/403 responses" in told, told
    assert state_of(daemon) == before


def state_of(daemon: Sandbox) -> list[Any]:
    """What a stranger might have changed."""
    targets = ("sessions", "notes", "budget", "leases")
    return [daemon.request("GET", f"/api/v1/{target}").json() for target in targets]


@pytest.mark.usefixtures("undisturbed")
def test_what_is_malformed_neither_begins_a_stream_nor_ends_the_daemon(
    daemon: Sandbox, tmp_path: Path
) -> None:
    """What is well-formed is left to tests of their own: it would last, or be the last."""
    negative = ("--mode", "negative", "--request-timeout", "5")
    told = fuzz(daemon, tmp_path, "--include-path", _SHUTDOWN, *negative, *_BRIEFLY)
    assert count_tested(told) == 1
    stream = ("--include-operation-id", _NEVER_ENDING)
    told = fuzz(daemon, tmp_path, *stream, *negative, *_COVERAGE)  # any other text is a session
    assert count_tested(told) >= 1


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'"handover"', b"\xff"])
def test_a_malformed_shutdown_shuts_nothing_down(daemon: Sandbox, body: bytes) -> None:
    assert_problem(daemon.request("POST", _SHUTDOWN, body), 400)
    assert_problem(daemon.request("POST", _SHUTDOWN, body, {"Content-Type": "text/plain"}), 415)
    assert_problem(daemon.request("POST", _SHUTDOWN, body, token=False), 401)
    assert_problem(daemon.request("GET", _SHUTDOWN), 405)
