"""Names, paths and texts that would drive a terminal, hide what they are, or forge lines.

Whatever a session, a project, an agent or a note says: it reaches no terminal raw, in text or in
JSON. In the browser: tests/browser/test_live.py; in the log: tests/integration/test_daemon_log.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cco.cli import COMMANDS
from tests.conftest import BINARY, Result, Sandbox, make_sandbox
from tests.integration.test_http_hooks import send_logs

HOSTILE = [
    "\x1b]0;owned\x07", "\x1b[2J\x1b[H", "\x1b[31mred", "\x1bP+q544e\x1b\\", "\x9b31m", "\x90q\x9c",
    "\x1b]52;c;ZWNobyBwd25lZA==\x07", "\x1b]8;;http://evil.example\x07here\x1b]8;;\x07", "\x07",
    "line\nforged line", "over\rwritten", "back\b\b\b\bspace", "\x7f\x7f", "\x0e\x0f", "\x00",
    "\u202egnp.exe", "\u2066isolated\u2069", "\u200e\u200f", "zero\u200bwidth", "\ufeff",
    "\u2028separated\u2029", "\U000e0041\U000e0042", "half \ud83d", "a\u00adb", "\x85next",
]  # fmt: skip
ALL = "|".join(HOSTILE)
SHORT = "\x1b[31m|\x9b31m|\x07|\n|\r|\b|\x7f|\u202e|\u2066|\u200b|\u2028|\x85"
"""What also fits into a file's name."""
READERS = [
    ("sessions",),
    ("usage",),
    ("usage", "--hours"),
    ("notes", "--all"),
    ("notes", "--all", "red"),
    ("top", "--once"),
    ("budget",),
    ("agents", "list"),
    ("agents", "show", "own-specialist"),
    ("agents", "search", "hostile"),
    ("agents", "lint"),
    ("doctor",),
    ("rules", "show"),
    ("version",),
    ("daemon", "status"),
    ("dashboard",),
]
"""Everything that prints, and takes --json."""
TEXT_ONLY = [("daemon", "logs"), ("help",), ("completion", "bash"), ("install", "--dry-run")]
NOT_HERE = {"demo"}
"""It prints what its own story says."""


def assert_harmless(result: Result) -> None:
    """What is printed are printable characters and line ends; nothing of ours broke."""
    for stream in (result.out, result.err):
        wrong = {one for one in stream if not one.isprintable() and one != "\n"}
        assert not wrong, (sorted(map(ascii, wrong)), ascii(stream[:2_000]))
    assert "defect of cco" not in result.err, result.err


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A daemon that was told hostile things, in a project of a hostile name."""
    form = "source" if BINARY is None else "frozen"
    sandbox = make_sandbox(form, tmp_path_factory.mktemp("hostile"))
    own = sandbox.home / ".config/cco/agents"
    own.mkdir(parents=True)
    visible = [one for one in HOSTILE if "\ud83d" not in one]
    (own / "own.md").write_text(
        "---\nname: own-specialist\ndescription: For hostile texts.\ntools: Read\n---\n"
        f"Look at {'|'.join(visible)} and hand on to debugger.\n"
    )
    for number, text in enumerate(visible):
        name = text.replace("\0", "").replace("/", "_")
        (own / f"{number}{name}.md").write_text(f"---\nname: [{name}\n---\n")
    try:
        sandbox.ok("daemon", "start")
        tell(sandbox)
        yield sandbox
    finally:
        sandbox.close()


def tell(sandbox: Sandbox) -> None:
    """Say hostile things in every field that anything is shown of."""
    for number, text in enumerate([*HOSTILE, ALL]):
        session_id = f"{number}{text}"
        where = {"cwd": f"/projects/{text}", "model": text, "permission_mode": text}
        sandbox.hook("SessionStart", session_id, source=text, **where)
        sandbox.hook("UserPromptSubmit", session_id, prompt=f"Mend {text}", **where)
        agent = {"agent_id": f"a{text}", "agent_type": text}
        task = {"description": text, "prompt": text, "subagent_type": text}
        for event in ("PreToolUse", "PostToolUse"):
            answer = {"agentId": f"a{text}"}
            sandbox.hook(
                event, session_id, tool_name="Agent", tool_input=task, tool_response=answer
            )
            sandbox.hook(event, session_id, tool_name=text, tool_input={"file_path": text}, **agent)
            path = {"file_path": f"/projects/{text}/{text}.py"}
            sandbox.hook(event, session_id, tool_name="Edit", tool_input=path, **agent)
        sandbox.hook("SubagentStart", session_id, **agent)
        sandbox.hook("StatusLine", session_id, model={"id": text}, cwd=text)
        note = {"text": f"red {text}", "path": text, "author": text, "project": f"/projects/{text}"}
        sandbox.request("POST", "/api/v1/notes", note)


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_what_is_shown_drives_no_terminal(place: Sandbox, arguments: tuple[str, ...]) -> None:
    assert_harmless(place.run(*arguments))
    printed = place.run(*arguments, "--json")
    assert_harmless(printed)
    json.loads(printed.out)


@pytest.mark.parametrize("arguments", TEXT_ONLY, ids=" ".join)
def test_what_is_text_only_is_harmless_too(place: Sandbox, arguments: tuple[str, ...]) -> None:
    assert_harmless(place.run(*arguments))


def test_every_command_is_looked_at() -> None:
    assert {arguments[0] for arguments in [*READERS, *TEXT_ONLY]} >= COMMANDS - NOT_HERE


def test_it_was_really_told(place: Sandbox) -> None:
    """What is compared with is there: JSON gives the very texts back."""
    told = json.loads(place.ok("sessions", "--json"))["sessions"]
    assert {one["session_id"] for one in told} >= {f"0{HOSTILE[0]}", f"2{HOSTILE[2]}"}
    assert len(told) == len(HOSTILE) + 1
    shown = place.ok("sessions")
    assert "\\x1b[31mred" in shown
    notes = json.loads(place.ok("notes", "--all", "--json"))["notes"]
    assert any("\x1b]52" in one["text"] for one in notes)


def test_a_hostile_session_can_be_asked_for(place: Sandbox) -> None:
    for number in (0, 4, 9, 15):
        shown = place.run("sessions", f"{number}{HOSTILE[number]}")
        assert shown.code == 0
        assert_harmless(shown)


def test_errors_quote_nothing_raw(place: Sandbox, tmp_path: Path) -> None:
    """Arguments, variables and paths come back in errors."""
    text = SHORT
    folder = tmp_path / f"x{text}"
    folder.mkdir()
    (folder / "config.toml").write_text(f"{text}\n")
    environments: list[dict[str, str]] = [{}]
    environments += [{"CCO_PORT": text}, {"CCO_CONFIG": str(folder / "none")}]
    environments += [{"TMPDIR": str(folder)}, {"HOME": str(folder)}]
    environments += [{"CCO_CONFIG": str(folder / "config.toml")}, {"CCO_BUDGET": text}]
    for more in environments:
        assert_harmless(place.run("daemon", "logs", env=place.environment(**more), cwd=folder))
    for arguments in ([text], ["--", text], ["-p", "--settings", text], ["--budget", text, "-p"]):
        env = place.environment(CCO_CLAUDE=str(folder / "no-claude"))
        assert_harmless(place.run(*arguments, env=env, cwd=folder))


WRONG = [
    ["sessions", ALL], ["agents", "show", ALL], ["agents", "search", ALL], ["doctor", ALL],
    ["usage", "--project", ALL], ["notes", ALL], ["budget", "set", ALL], ["help", ALL],
    ["daemon", ALL], ["daemon", f"--{ALL}"], ["daemon", "start", "--port", ALL], ["hook", ALL],
    ["completion", ALL], ["top", "--interval", ALL], ["budget", "set", "5", "--session", ALL],
    ["statusline", ALL, ALL], ["version", ALL], ["usage", "--session", ALL],
    ["notes", "--add", ALL, "--path", ALL], ["install", f"--{ALL}"],
]  # fmt: skip


@pytest.mark.parametrize("arguments", WRONG, ids=lambda one: one[0])
def test_arguments_come_back_harmless(place: Sandbox, arguments: list[str]) -> None:
    usable = [one.replace("\0", "").replace("\ud83d", "") for one in arguments]
    assert_harmless(place.run(*usable))


def test_the_status_line_is_one_harmless_line(place: Sandbox) -> None:
    env = place.session_environment()
    for number, text in enumerate(HOSTILE):
        payload: dict[str, Any] = {"session_id": f"{number}{text}", "cwd": text, "version": text}
        payload |= {"model": {"id": text, "display_name": text}}
        shown = place.run("statusline", stdin=json.dumps(payload).encode(), env=env)
        assert shown.code == 0
        assert_harmless(shown)
        assert shown.out.startswith("cco · ")
        assert shown.out.count("\n") == 1


def test_telemetry_is_no_way_around(place: Sandbox) -> None:
    record: dict[str, Any] = {"session.id": f"0{HOSTILE[0]}", "model": ALL, "agent_id": ALL}
    send_logs(place, record | {"input_tokens": 1, "cost_usd": 0.1})
    for arguments in (["usage"], ["usage", "--json"], ["top", "--once"]):
        assert_harmless(place.run(*arguments))
    assert place.request("GET", "/metrics").status == 200
