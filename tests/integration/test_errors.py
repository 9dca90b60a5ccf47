"""Each kind of error as a person meets it: what happened, what to do next, and which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import errors_page
import pytest

from cco import errors
from cco.errors import CcoError
from cco.sealing import names
from tests.conftest import Result, Sandbox
from tests.fake_claude import FakeClaude
from tests.integration.error_scenes import TRIGGERS, Scene

UNSEEN = (errors.SealError, errors.SealedFileMissing)
"""No error is only a SealError; and what is missing the daemon puts back before anybody looks
(tests/faults/test_cleaners.py)."""
KINDS = [kind for kind in errors_page.kinds(CcoError) if kind not in UNSEEN]


@pytest.fixture
def scene(sandbox: Sandbox, tmp_path: Path, fake_claude: FakeClaude) -> Scene:
    folder = tmp_path / "folder"
    folder.mkdir()
    return Scene(sandbox, folder, fake_claude)


BY_THE_DOCTOR = (errors.SealedFileReplayed, errors.SealedFileChanged)
"""Commands open the settings only; the other three files are opened for Claude Code."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_says_what_happened_and_what_to_do(scene: Scene, kind: type[CcoError]) -> None:
    assert kind in TRIGGERS, (
        "a new kind of error needs a function in error_scenes.py that brings it about"
    )
    if kind is errors.BuildSecretInvalid and scene.sandbox.frozen:
        pytest.skip("a frozen program has its secret")
    result = TRIGGERS[kind](scene)
    if kind in BY_THE_DOCTOR:
        _assert_told_by_doctor_and_hook(scene.sandbox, result, kind)
        return
    assert result.code == kind.exit_code, result
    if kind is errors.BuildSecretInvalid:  # the freeze has no cco yet to say it
        first, second, *_ = result.err.splitlines()
        assert first.startswith("freeze: CCO_BUILD_SECRET cannot be used: ")
        assert second.startswith("Set CCO_BUILD_SECRET")
        assert "c0ffee" not in result.err
        return
    lines = result.err.splitlines()
    told = next(number for number, line in enumerate(lines) if "error: " in line)
    assert len(lines[told].partition("error: ")[2]) > 10, result.err
    assert lines[told].startswith("cco: error: "), result.err
    assert lines[told + 1].startswith("  "), "the next step is below it"
    assert f"cco.errors.{kind.__name__}: " in result.err or kind in _NOT_RAISED, result.err
    if kind is not errors.DemoFailed:  # which tells as it goes
        assert result.out == ""


_NOT_RAISED = (errors.Defect, errors.SystemRefused, errors.OutputFailed)
"""What stands for other exceptions."""


def _assert_told_by_doctor_and_hook(sandbox: Sandbox, result: Result, kind: type[CcoError]) -> None:
    assert (result.code, result.err) == (1, "")
    found = json.loads(result.out)["findings"]
    (finding,) = [one for one in found if one["id"] == "files.rules"]
    assert finding["state"] == "problem"
    assert finding["advice"] == kind.advice
    told = sandbox.hook("SessionStart", source="startup").json()["systemMessage"]
    assert names.RULES in told
    assert told.endswith(kind.advice)


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("GET", "/api/v1/sessions/none", None, errors.NotFound),
        ("POST", "/v1/logs", b"[]", errors.UsageInvalid),
        ("POST", "/api/v1/notes", b'{"text": "", "project": "/p"}', errors.UsageInvalid),
    ],
)
def test_over_http_an_error_has_its_status_and_the_next_step(
    served: Sandbox, method: str, path: str, body: bytes | None, kind: type[CcoError]
) -> None:
    answer = served.request(method, path, body)
    assert answer.status == kind.http_status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["detail"]
    assert problem["advice"]


def test_what_the_daemon_advises_reaches_the_person(served: Sandbox) -> None:
    result = served.run("sessions", "none")
    assert (result.code, result.out) == (9, "")
    assert result.err == "cco: error: no session 'none'\n  Run: cco sessions\n"
