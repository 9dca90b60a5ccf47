"""A user's own settings beside ours: merged or left alone, never dropped, and nothing left over."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from cco.claude.bridge import EVENTS
from cco.claude.environment import pinned_environment
from cco.claude.headers import LAUNCH_HEADER
from cco.sealing import names
from tests.conftest import Sandbox
from tests.fake_claude import ClaudeStart, FakeClaude

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the stand-in for Claude Code reads Linux's /proc"
)
OWN_HOOK = {"hooks": [{"type": "command", "command": "mine"}]}
OWN: dict[str, Any] = {"model": "opus", "env": {"A": "ü"}, "hooks": {"Stop": [OWN_HOOK]}}


def launch(sandbox: Sandbox, fake: FakeClaude, *arguments: str, **more: str) -> ClaudeStart:
    env = sandbox.environment(CCO_CLAUDE=str(fake.path), **more)
    before = len(fake.starts())
    result = sandbox.run(*arguments, env=env)
    assert result.code == 0, result
    starts = {start.pid: start for start in fake.starts()}
    assert len(starts) == before + 1
    latest = max(fake.folder.glob("start.*"), key=lambda path: path.stat().st_mtime_ns)
    return starts[int(latest.name.removeprefix("start."))]


def settings_of(start: ClaudeStart) -> tuple[Path, dict[str, Any]]:
    path = Path(start.option("--settings"))
    assert start.arguments.count("--settings") == 1
    document = json.loads(path.read_text())
    assert isinstance(document, dict)
    return path, document


def copies(sandbox: Sandbox) -> list[Path]:
    return sorted(sandbox.temp.glob(f"{names.BRIDGE_COPY_PREFIX}*.json"))


def test_without_own_settings_the_common_bridge_is_used(
    served: Sandbox, fake_claude: FakeClaude
) -> None:
    path, document = settings_of(launch(served, fake_claude, "-p", "x"))
    assert path == served.temp / names.BRIDGE
    assert set(document["hooks"]) == set(EVENTS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("form", ["inline", "inline=", "file", "file=", "relative", "last"])
def test_own_settings_are_merged_into_a_private_copy(
    served: Sandbox, fake_claude: FakeClaude, form: str
) -> None:
    (served.project / "own.json").write_text(json.dumps(OWN))
    path = str(served.project / "own.json")
    given = {
        "inline": ["--settings", json.dumps(OWN)],
        "inline=": [f"--settings={json.dumps(OWN)}"],
        "file": ["--settings", path],
        "file=": [f"--settings={path}"],
        "relative": ["--settings", "own.json"],
        "last": ["--settings", "{}", "--settings", path],
    }[form]
    start = launch(served, fake_claude, "-p", "x", *given, "--model", "haiku")
    assert start.arguments[-4:] == ["-p", "x", "--model", "haiku"]
    copy, document = settings_of(start)
    assert copy in copies(served)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    port = served.sealed().settings.port
    assert (document["model"], document["env"]) == ("opus", {"A": "ü", **pinned_environment(port)})
    assert set(document["hooks"]) == set(EVENTS)
    assert len(document["hooks"]["Stop"]) == 2
    assert OWN_HOOK in document["hooks"]["Stop"]
    assert "statusLine" in document
    assert served.sealed().settings.token not in copy.read_text()


def test_a_stop_removes_the_copies(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    path, _ = settings_of(launch(sandbox, fake_claude, "-p", "x", "--settings", "{}"))
    assert copies(sandbox) == [path]
    sandbox.ok("daemon", "restart")
    assert path.exists()  # the session may go on
    sandbox.ok("daemon", "stop")
    assert list(sandbox.temp.iterdir()) == []


def test_a_copy_goes_with_its_session(source_sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    sandbox = source_sandbox
    arguments = ["-p", "x", "--settings", "{}"]
    first, document = settings_of(launch(sandbox, fake_claude, *arguments))
    second, _ = settings_of(launch(sandbox, fake_claude, *arguments))
    assert copies(sandbox) == sorted([first, second])
    header = document["hooks"]["SessionEnd"][0]["hooks"][0]["headers"][LAUNCH_HEADER]
    launched = {LAUNCH_HEADER: header}

    def send(event: str, session_id: str, **payload: str) -> None:
        body = {"session_id": session_id, **payload}
        assert sandbox.request("POST", f"/hooks/{event}", body, launched).status == 200

    send("UserPromptSubmit", "one", prompt="x")
    send("SessionEnd", "one", reason="clear")  # the client goes on with another session
    assert first in copies(sandbox)
    send("UserPromptSubmit", "two", prompt="y")
    send("SessionEnd", "two", reason="prompt_input_exit")
    assert copies(sandbox) == [second]
    assert (sandbox.temp / names.BRIDGE).exists()


@pytest.mark.parametrize("launch_id", ["../../victim", "..", "a/b", "", "x" * 33, "ü"])
def test_a_forged_launch_removes_nothing(
    source_sandbox: Sandbox, fake_claude: FakeClaude, launch_id: str
) -> None:
    sandbox = source_sandbox
    launch(sandbox, fake_claude, "-p", "x", "--settings", "{}")
    victim = sandbox.root / "victim.json"
    victim.touch()
    before = sorted(sandbox.temp.iterdir())
    headers = {LAUNCH_HEADER: launch_id.encode().decode("latin-1")}
    body = {"session_id": "s", "reason": "other"}
    assert sandbox.request("POST", "/hooks/SessionEnd", body, headers).status == 200
    assert sorted(sandbox.temp.iterdir()) == before
    assert victim.exists()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("absent.json", "cannot be read"),
        ("", "cannot be read"),
        (".", "cannot be read"),
        ("~nobody-of-that-name/x", "cannot be read"),
        ('{"a": ', "not JSON"),
        ("list.json", "not a JSON object"),
    ],
)
def test_own_settings_that_cannot_be_used_are_125(
    source_sandbox: Sandbox, fake_claude: FakeClaude, value: str, reason: str
) -> None:
    sandbox = source_sandbox
    (sandbox.project / "list.json").write_text("[]")
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    result = sandbox.run("-p", "x", "--settings", value, env=env)
    assert result.code == 125
    assert result.err.startswith("cco: error: ")
    assert "--settings" in result.err
    assert reason in result.err
    assert fake_claude.starts() == []
    assert list(sandbox.temp.iterdir()) == []


def test_an_own_system_prompt_is_kept(served: Sandbox, fake_claude: FakeClaude) -> None:
    own = "be brief,\n--always 'größer'"
    start = launch(served, fake_claude, "--append-system-prompt", own, "-p", "x")
    assert start.arguments.count("--append-system-prompt") == 1
    prompt = start.option("--append-system-prompt")
    assert prompt.endswith(f"\n\n{own}")
    assert "specialists" in prompt
    assert start.arguments[-2:] == ["-p", "x"]


@pytest.mark.parametrize("where", ["home", "project", "given"])
def test_an_own_status_line_stays(
    source_sandbox: Sandbox, fake_claude: FakeClaude, where: str
) -> None:
    sandbox = source_sandbox
    own = {"statusLine": {"type": "command", "command": "mine"}}
    arguments = ["-p", "x"]
    if where == "given":
        arguments += ["--settings", json.dumps(own)]
    else:
        folder = (sandbox.home if where == "home" else sandbox.project) / ".claude"
        folder.mkdir()
        (folder / "settings.json").write_text(json.dumps(own))
    _, document = settings_of(launch(sandbox, fake_claude, *arguments))
    assert document.get("statusLine") == (own["statusLine"] if where == "given" else None)
    assert set(document["hooks"]) == set(EVENTS)


def test_the_status_line_can_be_switched_off(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    start = launch(source_sandbox, fake_claude, "-p", "x", CCO_STATUS_LINE="false")
    path, document = settings_of(start)
    assert path == source_sandbox.temp / names.BRIDGE
    assert "statusLine" not in document


def test_an_own_export_of_telemetry_never_sees_our_token(
    served: Sandbox, fake_claude: FakeClaude
) -> None:
    own = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example", "OTEL_LOGS_EXPORTER": "otlp"}
    start = launch(served, fake_claude, "-p", "x", **own)
    token = start.environ["CCO_TOKEN"]
    assert {n: v for n, v in start.environ.items() if n.startswith("OTEL_")} == own
    assert [name for name, value in start.environ.items() if token in value] == ["CCO_TOKEN"]
    given = json.dumps({"env": {"OTEL_METRICS_EXPORTER": "otlp"}})
    start = launch(served, fake_claude, "-p", "x", "--settings", given)
    assert not [name for name in start.environ if name.startswith("OTEL_")]


def test_settings_that_keep_hooks_away_are_said_so_and_no_obstacle(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    sandbox = source_sandbox
    folder = sandbox.project / ".claude"
    folder.mkdir()
    (folder / "settings.local.json").write_text('{"disableAllHooks": true}')
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    result = sandbox.run("-p", "x", env=env)
    assert (result.code, result.out) == (0, "")
    assert result.err.startswith("cco: ")
    assert "disableAllHooks" in result.err
    assert len(fake_claude.starts()) == 1
    doctor = sandbox.run("doctor", env=env)
    assert doctor.code == 1
    assert "disableAllHooks" in doctor.out


def test_a_launch_inside_a_session_uses_the_same_daemon(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    sandbox = source_sandbox
    outer = launch(sandbox, fake_claude, "-p", "x")
    result = sandbox.run("-p", "y", env=outer.environ)
    assert result.code == 0, result
    inner = next(start for start in fake_claude.starts() if start.pid != outer.pid)
    ignored = {"PWD", "CCO_LAUNCH_DEPTH"}
    assert {n: v for n, v in inner.environ.items() if n not in ignored} == {
        n: v for n, v in outer.environ.items() if n not in ignored
    }
    assert len(sandbox.daemon_processes()) == 1
