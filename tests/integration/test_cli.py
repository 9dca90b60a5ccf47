"""The command line: help, JSON, exit codes, pipes and locales."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from cco import cli
from cco.catalogue.lint import listing_tokens
from cco.catalogue.markdown import load_markdown
from cco.cli import app
from tests.conftest import Result, Sandbox, make_sandbox


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = sorted(commands(app.application))
READING = [
    ["daemon", "status"],
    ["agents", "list"],
    ["agents", "show", "chief-architect"],
    ["agents", "lint"],
    ["agents", "search", "a borrow checker error E0502"],
    ["rules", "show"],
    ["sessions"],
    ["sessions", "seen"],
    ["usage"],
    ["usage", "--session", "seen"],
    ["version"],
]
"""Commands that read something, against a daemon that has seen a session."""


@pytest.fixture(autouse=True, scope="module")
def seen(served: Sandbox) -> None:
    """The daemon has seen a session."""
    served.hook("SessionStart", "seen", cwd="/project/größe/\x1b[31mred\n", model="opus")
    served.hook("SubagentStart", "seen", agent_id="a", agent_type="cco:debugger")


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox without a daemon, which none of its commands starts."""
    place = make_sandbox("source", tmp_path_factory.mktemp("idle"))
    yield place
    assert list(place.temp.iterdir()) == []
    place.close()


def assert_failed(result: Result, code: int, *parts: str) -> None:
    assert result.code == code, result
    assert result.out == ""
    assert "Traceback" not in result.err
    assert "defect of cco" not in result.err
    for part in parts:
        assert part in result.err


# --- help ---


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_explains_itself(
    path: tuple[str, ...],
    flag: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert app.run([*path, flag]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"Usage: cco {' '.join(path)}")
    assert len(out.splitlines()) > 2
    assert max(map(len, out.splitlines())) <= 80
    assert err == ""


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_names_every_command(served: Sandbox, arguments: list[str]) -> None:
    text = served.ok(*arguments)
    assert {path[0] for path in COMMANDS if len(path) == 1} <= set(text.split())
    assert text.startswith("Usage: cco [--budget USD] [ARGUMENTS OF CLAUDE]...\n       cco COMMAND")
    assert re.search(r"^Options:\n  --budget USD  What .*\n  -- +Everything", text, re.M)
    assert {path[0] for path in COMMANDS} == cli.COMMANDS


def test_help_tells_of_settings_and_exit_codes(served: Sandbox) -> None:
    """For whoever has the program and no documents."""
    settings = served.ok("help", "settings")
    assert {"budget.day", "CCO_CONFLICTS", "ORCHESTRATOR_ENABLED", "config.toml"} <= set(
        re.split(r"[\s/,()]+", settings)
    )
    assert re.search(r"^ *74 +The output cannot be written", served.ok("help", "exit-codes"), re.M)
    refused = served.run("help", "setings")
    assert (refused.code, refused.err) == (
        2,
        "cco: error: cco has no command or topic 'setings'\n  See: cco --help\n",
    )
    assert f"no {served.home}/.config/cco/config.toml" in served.run("doctor").out


def test_choices_are_listed_legibly(served: Sandbox) -> None:
    result = served.run("completion")
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines()[-3:] == ["    bash,", "    zsh,", "    fish"]


def test_a_group_alone_explains_itself(served: Sandbox) -> None:
    for group in ("daemon", "agents", "rules"):
        result = served.run(group)
        assert result.code in (0, 2)
        assert "Usage: cco " + group in result.out + result.err


# --- what is read ---


def read_json(sandbox: Sandbox, *arguments: str) -> Any:
    result = sandbox.run(*arguments, "--json")
    assert result.code == 0, result
    assert result.err == ""
    return json.loads(result.out)


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_everything_that_is_read_comes_as_text_and_as_json(
    served: Sandbox, arguments: list[str]
) -> None:
    assert isinstance(read_json(served, *arguments), (dict, list))
    result = served.run(*arguments)
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("\n")
    assert all(line.isprintable() for line in result.out.split("\n"))


def test_the_specialists(served: Sandbox) -> None:
    catalogue = load_markdown()
    listed = read_json(served, "agents", "list")
    assert [one["name"] for one in listed] == [agent.name for agent in catalogue.agents]
    assert all(one == catalogue.agent(one["name"]).public() for one in listed)
    shown = read_json(served, "agents", "show", "cco:debugger")
    assert shown["brief"] == catalogue.agent("debugger").brief
    assert catalogue.agent("debugger").brief in served.ok("agents", "show", "debugger")
    assert read_json(served, "agents", "lint") == {
        "agents": len(catalogue.agents),
        "own": [],
        "shipped": 119,
        "listing_tokens": listing_tokens(catalogue.agents),
        "listing_limit_tokens": 3_600,
        "problems": [],
    }
    assert read_json(served, "rules", "show") == {"rules": catalogue.rules}
    assert served.ok("rules", "show") == catalogue.rules + "\n"


def test_sessions_and_usage(served: Sandbox) -> None:
    (session,) = read_json(served, "sessions")["sessions"]
    assert session["session_id"] == "seen"
    assert read_json(served, "sessions", "seen") == session
    table = served.ok("sessions")
    assert table.split()[0] == "SESSION"
    assert "größe" in table
    assert "\\x1b[31mred\\x0a" in table
    assert "debugger" in served.ok("sessions", "seen")
    assert read_json(served, "usage")["total"]["calls"] == 0
    assert served.ok("usage").splitlines()[-1].startswith("total $0.0000")


def test_a_session_is_named_by_the_opening_of_its_id(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    one, other = (f"{opening}0000-5a5a-4b4b-8c8c-0123456789ab" for opening in ("aaaa", "aaab"))
    project = str(source_sandbox.home / "shop")
    for session_id in (one, other):
        source_sandbox.hook("SessionStart", session_id, source="startup", cwd=project)
    rows = [line.split() for line in source_sandbox.ok("sessions").splitlines()[1:]]
    assert sorted((row[0], row[-1]) for row in rows) == [
        (one[:8], "~/shop"),
        (other[:8], "~/shop"),
    ]
    assert read_json(source_sandbox, "sessions", "aaaa")["session_id"] == one
    assert one[:8] in source_sandbox.ok("usage", "--session", "aaaa")
    assert "$5.00" in source_sandbox.ok("budget", "set", "5", "--session", "aaab")
    limits = {
        row["session_id"]: row["limit_usd"]
        for row in read_json(source_sandbox, "budget")["sessions"]
    }
    assert limits == {one: None, other: 5.0}
    assert_failed(source_sandbox.run("sessions", "aa"), 2, "2 sessions begin with 'aa'")
    assert_failed(source_sandbox.run("sessions", "b"), 9, "no session 'b'")


def test_the_version_is_told_plainly(served: Sandbox) -> None:
    document = read_json(served, "version")
    assert document["frozen"] is served.frozen
    for arguments in (["version"], ["--version"]):
        text = served.ok(*arguments)
        assert text.startswith(f"cco {document['version']} (")
        assert ("development build" in text) is document["development_build"]
    assert_failed(served.run("version", "--jsn"), 2, "usage: cco version [--json]")


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("arguments", "code", "parts"),
    [
        (["agents", "show", "chief-architct"], 9, ["chief-architect", "Did you mean"]),
        (["agents", "show", "größe"], 9, ["'größe'", "cco agents list"]),
        (["agents", "show", ""], 9, ["''"]),
        (["agents", "show"], 2, ["NAME"]),
        (["agents", "shw"], 2, ["shw"]),
        (["agents", "list", "--jsn"], 2, ["--jsn", "--json"]),
        (["rules", "show", "more"], 2, ["more"]),
        (["daemon", "strat"], 2, ["strat"]),
        (["completion", "tcsh"], 2, ["tcsh", "bash"]),
        (["completion"], 2, ["bash"]),
        (["usage", "extra"], 2, ["extra"]),
        (["doctor", "--fx"], 2, ["--fx", "--fix"]),
        (["help", "daemon", "x"], 2, []),
        (["install"], 14, ["source checkout", "make freeze"]),
        (["install", "--uninstall"], 14, ["source checkout", "make freeze"]),
        (["install", "--purge"], 2, ["--uninstall"]),
        (["daemon", "status"], 3, ["not running", "cco daemon start"]),
        (["daemon", "status", "--json"], 3, ["not running"]),
        (["sessions"], 3, ["not running"]),
        (["sessions", "none"], 3, ["not running"]),
        (["usage", "--json"], 3, ["not running"]),
        (["daemon", "logs"], 9, ["no log"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_errors_say_what_and_what_next(
    idle: Sandbox, arguments: list[str], code: int, parts: list[str]
) -> None:
    assert_failed(idle.run(*arguments), code, *parts)


def test_what_the_daemon_does_not_know_is_not_found(served: Sandbox) -> None:
    for name in ("none", "../usage", "ü/%2F?x=y", "x" * 300):
        assert_failed(served.run("sessions", name), 9)
        assert_failed(served.run("usage", "--session", name), 9)


@pytest.mark.parametrize(
    "text",
    ["port = 0", 'port = "3000"', "port = true", "colour = 1", "port =", "claude = 5",
     "status_line = 1", "\udcff", "x = " + "[" * 100_000],
    ids=range(9),
)  # fmt: skip
def test_a_bad_config_file_is_named(idle: Sandbox, tmp_path: Path, text: str) -> None:
    path = tmp_path / "my config.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    env = idle.environment(CCO_CONFIG=str(path))
    assert_failed(idle.run("daemon", "start", env=env), 10, str(path))


def test_a_variable_goes_before_the_file(source_sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("port = 1\n")
    env = source_sandbox.environment(CCO_CONFIG=str(path))
    assert source_sandbox.run("daemon", "start", env=env).code == 0
    assert source_sandbox.sealed().settings.port == source_sandbox.port


# --- pipes, locales, terminals ---


@pytest.mark.parametrize(
    "arguments",
    [["agents", "list"], ["rules", "show"], ["version"], ["version", "--json"], ["usage", "--json"],
     ["daemon", "logs"], ["agents", "show", "debugger"], ["--help"], ["completion", "bash"]],
    ids=" ".join,
)  # fmt: skip
def test_a_reader_that_goes_away_is_no_error_to_speak_of(
    served: Sandbox, arguments: list[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        process = subprocess.run(
            [*served.command, *arguments],
            env=served.environment(),
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (process.returncode, process.stderr) == (141, b"")


def test_much_output_into_head(served: Sandbox) -> None:
    log = served.log_file
    with log.open("a") as file:
        file.write("2026-01-01 00:00:00,000 INFO    a line to be cut off\n" * 4_000)
    script = '{ "$@"; echo "code $?" >&2; } | head -1'
    process = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *served.command, "daemon", "logs", "-n", "4000"],
        env=served.environment(),
        capture_output=True,
        check=False,
    )
    assert process.stdout.count(b"\n") == 1
    assert process.stderr == b"code 141\n"


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LANG": "nowhere"}])
def test_any_locale_prints_utf8(served: Sandbox, locale: dict[str, str]) -> None:
    env = served.environment(**locale)
    assert "größe" in served.run("sessions", env=env).out
    assert "größe" in served.run("sessions", "--json", env=env).out
    assert "größe" in served.run("agents", "show", "größe", env=env).err


@pytest.mark.parametrize(
    "variables", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"FORCE_COLOR": "1"}]
)
def test_no_terminal_codes_are_printed(served: Sandbox, variables: dict[str, str]) -> None:
    result = served.run("agents", "show", "nobody", env=served.environment(**variables))
    assert "\x1b" not in result.err + served.run("sessions").out


def test_a_closed_output_is_survived(idle: Sandbox) -> None:
    for arguments in (["version"], ["agents", "list"]):
        process = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&-', "sh", *idle.command, *arguments],
            env=idle.environment(),
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in process.stderr
        assert b"defect of cco" not in process.stderr


# --- completion ---


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(served: Sandbox, shell: str, tmp_path: Path) -> None:
    script = served.ok("completion", shell)
    assert "_CCO_COMPLETE" in script
    program = shutil.which(shell)
    if program is not None:
        path = tmp_path / "script"
        path.write_text(script)
        assert subprocess.run([program, "-n", str(path)], check=False).returncode == 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cco da", {"daemon", "dashboard"}),
        ("cco daemon st", {"start", "status", "stop"}),
        ("cco --d", {"--debug"}),
        ("cco --debug da", {"daemon", "dashboard"}),
        ("cco doctor --f", {"--fix"}),
    ],
)
def test_completion_completes(served: Sandbox, line: str, expected: set[str]) -> None:
    env = served.environment(
        _CCO_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(line.split()) - 1)
    )
    result = served.run(env=env)
    assert {one.partition(",")[2] for one in result.out.split()} == expected
    assert result.err == ""
