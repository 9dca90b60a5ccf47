"""Edit conflicts as the user wants them: denied, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conftest import Answer, Sandbox, make_sandbox
from tests.integration.editing import EditingSession, leases


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    yield from _started("deny", tmp_path_factory)


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    yield from _started("off", tmp_path_factory)


def _started(mode: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    place = make_sandbox("source", tmp_path_factory.mktemp(mode))
    place.ok("daemon", "start", env=place.environment(CCO_CONFLICTS=mode))
    yield place
    place.close()


def denial(answer: Answer) -> str:
    """The reason why a tool did not run."""
    document = answer.json()
    assert set(document) == {"hookSpecificOutput"}
    output = document["hookSpecificOutput"]
    assert set(output) == {"hookEventName", "permissionDecision", "permissionDecisionReason"}
    assert (output["hookEventName"], output["permissionDecision"]) == ("PreToolUse", "deny")
    return str(output["permissionDecisionReason"])


def test_deny_stops_the_edit_until_the_file_is_read_again(strict: Sandbox) -> None:
    path = strict.project / "a.txt"
    path.write_text("first")
    one, other = EditingSession(strict, path), EditingSession(strict, path)
    one.read()
    other.edit()
    for _ in range(2):
        text = denial(one.begin())
        assert "this edit was not made" in text
        assert f"another session ({other.id[:8]}) changed it" in text
        assert leases(strict)["leases"] == []
    one.read()
    assert one.begin().body == b""
    one.finish()
    assert one.document["conflicts"] == 2


def test_deny_makes_one_wait_for_the_other(strict: Sandbox) -> None:
    path = strict.project / "b.txt"
    one, other = EditingSession(strict, path), EditingSession(strict, path)
    assert other.begin("Write").body == b""
    assert "is editing it right now" in denial(one.begin("Write"))
    path.write_text("theirs")
    other.finish("Write")
    assert "and you have not read it" in denial(one.begin("Write"))
    one.read()
    assert one.begin("Write").body == b""
    one.finish("Write")
    assert leases(strict)["leases"] == []


def test_off_says_nothing_and_records_nothing(silent: Sandbox) -> None:
    path = silent.project / "a.txt"
    path.write_text("first")
    one, other = EditingSession(silent, path), EditingSession(silent, path)
    one.read()
    other.edit()
    other.begin()
    assert one.begin().body == b""
    assert leases(silent) == {"leases": []}
    assert leases(silent, path) == {"path": os.path.realpath(path), "leases": [], "changed": None}
    assert one.document["conflicts"] == 0


@pytest.mark.parametrize("value", ["sometimes", "WARN", "true"])
def test_another_setting_is_refused(source_sandbox: Sandbox, value: str) -> None:
    env = source_sandbox.environment(CCO_CONFLICTS=value)
    result = source_sandbox.run("daemon", "start", env=env)
    assert result.code == 10
    assert "conflicts must be one of warn, deny, off" in result.err
