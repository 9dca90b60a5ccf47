"""A foreign process where the daemon was: no command tells it the token or believes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cco.cli import COMMANDS
from cco.sealing.sealed_set import Settings
from tests.conftest import BINARY, Result, Sandbox, make_sandbox
from tests.security.impostor import Answer, Impostor, echo_challenge, pretend, relay_to

EVENT = b'{"session_id": "s", "source": "startup"}'
TRIED = [
    ("agents", "list"),
    ("budget",),
    ("budget", "set", "5", "--day"),
    ("completion", "bash"),
    ("dashboard", "--print-url"),
    ("daemon", "status"),
    ("daemon", "logs"),
    ("daemon", "start"),
    ("daemon", "restart"),
    ("daemon", "stop"),
    ("demo",),
    ("doctor",),
    ("help",),
    ("install", "--dry-run"),
    ("notes",),
    ("notes", "--add", "x"),
    ("rules", "show"),
    ("sessions",),
    ("top", "--once"),
    ("usage",),
    ("version",),
    ("hook", "SessionStart"),
    ("statusline",),
    ("-p", "a launch"),
]
ASKERS = "budget dashboard doctor notes sessions top usage hook statusline -p".split()
"""What looks for the daemon, and so is answered by the impostor."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose daemon is dead, and was not stopped."""
    form = "source" if BINARY is None else "frozen"
    sandbox = make_sandbox(form, tmp_path_factory.mktemp("impostor"))
    yield sandbox
    sandbox.close()


def die(sandbox: Sandbox) -> Settings:
    """Let the daemon have died; what it was."""
    sandbox.ok("daemon", "start")
    settings = sandbox.sealed().settings
    sandbox.kill_daemon()
    return settings


def try_command(sandbox: Sandbox, settings: Settings, *arguments: str) -> Result:
    """Run a command as from inside a session of the dead daemon's."""
    claude = "/nonexistent/claude" if arguments[0] == "demo" else "/bin/true"
    env = sandbox.session_environment(settings, CCO_CLAUDE=claude)
    return sandbox.run(*arguments, stdin=EVENT, env=env)


def test_every_command_is_tried() -> None:
    assert {arguments[0] for arguments in TRIED} >= COMMANDS


def test_no_command_tells_an_impostor_the_token(place: Sandbox) -> None:
    settings = die(place)
    for arguments in TRIED:
        with Impostor(settings.port, pretend) as impostor:
            result = try_command(place, settings, *arguments)
        assert settings.token.encode() not in impostor.heard, arguments
        assert b"Authorization" not in impostor.heard, arguments
        assert "obey the impostor" not in result.out, arguments
        assert (b"challenge=" in impostor.heard) >= (arguments[0] in ASKERS), arguments
        if not place.leftovers() or place.sealed().settings != settings:
            place.ok("daemon", "stop")
            settings = die(place)


@pytest.mark.parametrize("answer", [echo_challenge, lambda request: b"HTTP/1.1 200 OK\r\n\r\n"])
def test_no_answer_passes_for_a_proof(place: Sandbox, answer: Answer) -> None:
    settings = die(place)
    with Impostor(settings.port, answer) as impostor:
        status = try_command(place, settings, "daemon", "status")
        sessions = try_command(place, settings, "sessions")
    assert (status.code, sessions.code) == (3, 3)
    assert settings.token.encode() not in impostor.heard


def test_who_passes_challenges_on_to_the_new_daemon_proves_nothing(place: Sandbox) -> None:
    """A token is never used on two ports: proofs of the new daemon do not fit the old one's."""
    before = die(place)
    with Impostor(before.port, pretend):
        place.ok("daemon", "start")
    after = place.sealed().settings
    assert after.port != before.port
    assert after.token != before.token
    with Impostor(before.port, relay_to(after.port)) as impostor:
        hook = try_command(place, before, "hook", "SessionStart")
    assert hook.code == 0  # answered by the new daemon, asked directly
    assert "hookSpecificOutput" in hook.out
    assert b"challenge=" in impostor.heard
    for token in (before.token, after.token):
        assert token.encode() not in impostor.heard


def test_a_session_without_a_token_believes_nobody(place: Sandbox) -> None:
    """Anybody can compute a proof under an empty key."""
    place.ok("daemon", "stop")
    with Impostor(place.port, pretend) as impostor:
        env = place.environment(
            ORCHESTRATOR_ENABLED="true", ORCHESTRATOR_API_URL=f"http://localhost:{place.port}"
        )
        hook = place.run("hook", "SessionStart", stdin=EVENT, env=env)
    assert hook.code == 1
    assert hook.out == ""
    assert EVENT not in impostor.heard
