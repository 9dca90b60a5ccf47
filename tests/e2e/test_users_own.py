"""What the user has set up themselves keeps working beside cco."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cco.catalogue.markdown import load_markdown
from cco.demo.model_api import text
from tests.collector import Collector, Received
from tests.e2e.conftest import MakeStage, Stage

CATALOGUE = load_markdown()


def echo_hook(word: str) -> dict[str, object]:
    return {"SessionStart": [{"hooks": [{"type": "command", "command": f"echo {word}"}]}]}


def write_json(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def make_plugin(folder: Path) -> Path:
    write_json(folder / ".claude-plugin" / "plugin.json", {"name": "own", "version": "1.0.0"})
    (folder / "agents").mkdir()
    front = "---\nname: helper\ndescription: the user's own helper\n---\nBody.\n"
    (folder / "agents" / "helper.md").write_text(front)
    return folder


def make_mcp_server(folder: Path) -> Path:
    """The smallest MCP server with one tool, on standard input and output."""
    program = folder / "server.py"
    program.write_text(
        """
import json, sys
for line in sys.stdin:
    call = json.loads(line)
    if "id" not in call:
        continue
    if call["method"] == "initialize":
        answer = {"protocolVersion": call["params"]["protocolVersion"],
                  "capabilities": {"tools": {}}, "serverInfo": {"name": "own", "version": "1"}}
    elif call["method"] == "tools/list":
        answer = {"tools": [{"name": "weigh", "description": "weigh it",
                             "inputSchema": {"type": "object", "properties": {}}}]}
    else:
        answer = {}
    print(json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": answer}), flush=True)
"""
    )
    servers = {"own": {"command": sys.executable, "args": ["-I", str(program)]}}
    return write_json(folder / "mcp.json", {"mcpServers": servers})


def test_every_option_of_the_user_works_beside_ours(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    root = scene.sandbox.root
    settings = write_json(root / "own.json", {"hooks": echo_hook("FROM-GIVEN-SETTINGS")})
    write_json(
        scene.sandbox.home / ".claude" / "settings.json", {"hooks": echo_hook("FROM-HOME-SETTINGS")}
    )
    agents = {"mine": {"description": "the user's own agent", "prompt": "Body."}}
    scene.ask(
        *("--settings", str(settings)),
        *("--append-system-prompt", "FROM-APPENDED-PROMPT"),
        *("--agents", json.dumps(agents)),
        *("--plugin-dir", str(make_plugin(root / "plugin"))),
        *("--mcp-config", str(make_mcp_server(root))),
        *("-p", "Hello."),
    )
    request = scene.requests[0]
    everything = json.dumps(request.body)
    assert "FROM-GIVEN-SETTINGS" in request.conversation_text
    assert "FROM-HOME-SETTINGS" in request.conversation_text
    assert "FROM-APPENDED-PROMPT" in request.system_text
    assert "own:helper" in everything
    assert "mine: the user's own agent" in everything
    assert "mcp__own__weigh" in everything
    assert CATALOGUE.nudge in request.system_text
    assert CATALOGUE.rules in request.conversation_text
    assert all(f"cco:{agent.name}" in everything for agent in CATALOGUE.agents)
    copies = list(scene.sandbox.temp.glob(".cco-claude-settings-*"))
    assert copies == [], "the session's private copy of the settings outlived it"


def test_inline_settings_and_an_appended_file(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    appended = scene.sandbox.root / "appended.txt"
    appended.write_text("FROM-APPENDED-FILE")
    inline = json.dumps({"hooks": echo_hook("FROM-INLINE")})
    scene.ask(
        *(f"--settings={inline}", "--append-system-prompt-file", str(appended), "-p", "Hello.")
    )
    request = scene.requests[0]
    assert "FROM-INLINE" in request.conversation_text
    assert "FROM-APPENDED-FILE" in request.system_text
    assert CATALOGUE.nudge in request.system_text
    assert CATALOGUE.rules in request.conversation_text


def test_arguments_reach_the_client_as_they_are(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    prompt = "--help 'quoted' \"twice\"\nsecond line — ünïcödé 🚀"
    assert scene.run("-p", "--append-system-prompt", "", "--", prompt).code == 0
    assert prompt in scene.requests[0].last_user_text
    help_text = scene.run("--", "--help")
    assert help_text.code == 0
    assert help_text.out.startswith("Usage: claude")


def test_settings_that_forbid_hooks_are_named(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    path = scene.sandbox.home / ".claude" / "settings.json"
    write_json(path, {"disableAllHooks": True})
    result = scene.run("-p", "Hello.")
    assert result.code == 0
    assert f"not fully orchestrated: disableAllHooks in {path}" in result.err
    assert CATALOGUE.rules not in scene.requests[0].conversation_text
    doctor = scene.sandbox.run("doctor", env=scene.environment())
    assert (doctor.code, "disableAllHooks" in doctor.out) == (1, True)


@pytest.mark.parametrize(
    ("name", "ours", "other"),
    [
        ("allowedHttpHookUrls", "http://127.0.0.1:*", "https://hooks.example/*"),
        ("httpHookAllowedEnvVars", "CCO_TOKEN", "MY_TOKEN"),
    ],
)
def test_lists_that_leave_our_hooks_out_are_named_and_joined_by_the_client(
    one_stage: MakeStage, name: str, ours: str, other: str
) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    write_json(scene.sandbox.home / ".claude" / "settings.json", {name: [other]})
    blocked = scene.run("-p", "Hello.")
    assert f"not fully orchestrated: {name} in " in blocked.err
    write_json(scene.sandbox.project / ".claude" / "settings.json", {name: [ours]})
    assert "not fully orchestrated" not in scene.run("-p", "Hello.").err
    sessions = scene.json("sessions")["sessions"]
    assert sorted(one["prompts"] for one in sessions) == [0, 1]


def own_export(url: str) -> dict[str, str]:
    return {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
    }


def check_collector(scene: Stage, received: list[Received]) -> None:
    assert any(one.path == "/v1/logs" for one in received)
    assert all("authorization" not in one.headers for one in received), "our token went astray"
    assert CATALOGUE.rules in scene.requests[0].conversation_text


def test_telemetry_to_the_users_collector_stays_theirs(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    with Collector() as collector:
        scene.ask("-p", "Hello.", **own_export(collector.url))
    check_collector(scene, collector.received)


def test_telemetry_set_up_in_the_users_settings_stays_theirs(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    with Collector() as collector:
        write_json(
            scene.sandbox.home / ".claude" / "settings.json", {"env": own_export(collector.url)}
        )
        scene.ask("-p", "Hello.")
    check_collector(scene, collector.received)


def test_a_proxy_in_the_users_settings_sees_no_hook(one_stage: MakeStage) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    with Collector() as collector:
        own = {
            "HTTP_PROXY": collector.url,
            "HTTPS_PROXY": collector.url,
            "NO_PROXY": "internal.example",
        }
        write_json(scene.sandbox.home / ".claude" / "settings.json", {"env": own})
        given = json.dumps({"env": {"GIVEN": "1", "no_proxy": "other.example"}})
        told = scene.ask("--settings", given, "-p", "Hello.")
    assert collector.received == []
    assert CATALOGUE.rules in scene.requests[0].conversation_text
    assert scene.json("usage", "--session", str(told["session_id"]))["total"]["calls"] == 1


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"])
def test_a_proxy_of_the_users_sees_no_hook(one_stage: MakeStage, name: str) -> None:
    scene = one_stage(lambda request: [text("Done.")])
    with Collector() as collector:
        told = scene.ask("-p", "Hello.", **{name: collector.url})
    assert collector.received == []
    assert CATALOGUE.rules in scene.requests[0].conversation_text
    assert scene.json("usage", "--session", str(told["session_id"]))["total"]["calls"] == 1
