"""The launch: Claude Code starts as if cco had not been there, but for what cco gives it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cco.claude.headers import CLIENT_HEADER, LAUNCH_HEADER
from cco.sealing import names
from tests.conftest import Result, Sandbox, wait_until
from tests.fake_claude import ClaudeStart, FakeClaude

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the stand-in for Claude Code reads Linux's /proc"
)
OURS = 6
"""How many arguments of ours come first: three options and their values."""


def environment(sandbox: Sandbox, fake: FakeClaude, **more: str) -> dict[str, str]:
    return sandbox.environment(CCO_CLAUDE=str(fake.path), **more)


def launch(sandbox: Sandbox, fake: FakeClaude, *arguments: str, **more: str) -> ClaudeStart:
    """Launch, demand success, and return how the stand-in was started."""
    result = sandbox.run(*arguments, env=environment(sandbox, fake, **more))
    assert (result.code, result.out, result.err) == (0, "", ""), result
    return fake.only_start()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-p", "hello"],
        ["-p", ""],
        ["", "-p", ""],
        ["-p", "a \"b\" 'c' `d` $HOME \\ !x"],
        ["-p", "two\nlines\r\n\ttabbed", "--", "--settings", "x"],
        ["-p", "größer 漢字 🎉", "--model", "opus"],
        ["-p", "not UTF-8: \udcff\udcfe"],
        ["--", "--help"],
        ["--resume", "--continue", "-c"],
        ["--bg", "work"],
        ["--mcp-config", "m.json", "--agents", "{}", "--plugin-dir", "p", "--add-dir", "a", "b"],
        ["-p", "x" * 100_000],
        ["agnets", "of", "change"],
    ],
    ids=range(14),
)
def test_arguments_arrive_untouched(
    served: Sandbox, fake_claude: FakeClaude, arguments: list[str]
) -> None:
    expected = arguments[1:] if arguments[:1] == ["--"] else arguments
    start = launch(served, fake_claude, *arguments)
    ours, theirs = start.arguments[:OURS], start.arguments[OURS:]
    if expected[:1] == ["--help"]:
        assert start.arguments == expected
        return
    assert theirs == expected
    assert ours[0::2] == ["--settings", "--plugin-dir", "--append-system-prompt"]
    assert ours[1] == str(served.temp / names.BRIDGE)
    assert ours[3] == str(served.temp / names.PLUGIN)
    assert "specialists" in ours[5]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("start", "cco daemon start"), ("status", "cco daemon status"), ("agnets", "cco agents"),
     ("session", "cco sessions"), ("uninstall", "cco install --uninstall"), ("hlep", "cco help"),
     ("deamon status", "cco daemon status"), ("agent list", "cco agents list"),
     ("budgte ste 5", "cco budget set")],
)  # fmt: skip
def test_what_is_nearly_a_command_costs_no_session(
    sandbox: Sandbox, fake_claude: FakeClaude, word: str, meant: str
) -> None:
    word, *more = word.split()
    refused = sandbox.run(word, *more, env=environment(sandbox, fake_claude))
    told = f"Did you mean: {meant}?\n  As a prompt for Claude Code: cco -- {word}\n"
    assert_failed(refused, 125, told)
    assert fake_claude.starts() == []
    assert sandbox.leftovers() == []
    assert launch(sandbox, fake_claude, "--", word, *more).arguments[OURS:] == [word, *more]


def test_one_word_that_is_a_command_of_both(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    refused = sandbox.run("stop", env=environment(sandbox, fake_claude))
    told = "Did you mean: cco daemon stop?\n  As a command of Claude Code: cco -- stop\n"
    assert_failed(refused, 125, told)
    assert launch(sandbox, fake_claude, "stop", "3fe1").arguments == ["stop", "3fe1"]


@pytest.mark.parametrize("word", ["hello", "test", "plan", "größer", "/init", "top10", "usage?"])
def test_any_other_word_is_a_prompt(served: Sandbox, fake_claude: FakeClaude, word: str) -> None:
    assert launch(served, fake_claude, word).arguments[OURS:] == [word]


@pytest.mark.parametrize("words", [("agent", "of change"), ("start", "over"), ("deamon", "-p")])
def test_several_words_that_are_no_command_are_claude_codes(
    served: Sandbox, fake_claude: FakeClaude, words: tuple[str, ...]
) -> None:
    assert launch(served, fake_claude, *words).arguments[OURS:] == [*words]


def test_the_started_process_is_claude_itself(served: Sandbox, fake_claude: FakeClaude) -> None:
    env = environment(served, fake_claude, FAKE_GATE="1")
    process = served.start("-p", "x", env=env)
    try:
        wait_until(fake_claude.starts, "the stand-in's start")
        start = fake_claude.only_start()
        assert start.pid == process.pid
        assert start.cwd == str(served.project)
        assert psutil.Process(process.pid).cmdline()[1] == str(fake_claude.path)
        fake_claude.open_gate()
        process.communicate()
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize("code", [1, 2, 127, 255])
def test_its_exit_code_is_ours(served: Sandbox, fake_claude: FakeClaude, code: int) -> None:
    env = environment(served, fake_claude, FAKE_EXIT=str(code))
    assert served.run("-p", "x", env=env) == Result(code, "", "")


@pytest.mark.parametrize("name", ["TERM", "INT", "KILL", "SEGV"])
def test_its_death_by_a_signal_is_ours(served: Sandbox, fake_claude: FakeClaude, name: str) -> None:
    env = environment(served, fake_claude, FAKE_SIGNAL=name)
    assert served.run("-p", "x", env=env).code == -getattr(signal, f"SIG{name}")


def test_signals_and_descriptors_are_as_the_shell_gave_them(
    served: Sandbox, fake_claude: FakeClaude, tmp_path: Path
) -> None:
    script = 'trap "" HUP; exec "$@" 7< "$0"'
    command = ["/bin/sh", "-c", script, str(fake_claude.path), *served.command, "-p", "x"]
    process = subprocess.Popen(
        command,
        env=environment(served, fake_claude),
        cwd=served.project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.communicate()
    assert process.returncode == 0
    start = fake_claude.only_start()
    assert start.ignored_signals == 1 << (signal.SIGHUP - 1)
    assert_only_guards(start)  # and 7, which is the stand-in itself and so not listed
    assert start.fds[0] == "/dev/null"
    assert start.fds[1].startswith("pipe:")


def assert_only_guards(start: ClaudeStart) -> None:
    """Beyond the shell's own descriptors: a socket on each address of the daemon's port."""
    guards = set(start.fds) - {0, 1, 2}
    assert 1 <= len(guards) <= 2  # a system without IPv6 has one
    assert all(start.fds[guard].startswith("socket:") for guard in guards)


def test_nothing_of_ours_stays_open_but_guards(served: Sandbox, fake_claude: FakeClaude) -> None:
    start = launch(served, fake_claude, "-p", "x")
    assert_only_guards(start)
    assert start.ignored_signals == 0


def test_it_knows_where_the_orchestration_is(served: Sandbox, fake_claude: FakeClaude) -> None:
    start = launch(served, fake_claude, "-p", "x", ANTHROPIC_API_KEY="sk-test", EMPTY="")
    sealed = served.sealed()
    environ = start.environ
    assert environ["ORCHESTRATOR_ENABLED"] == "true"
    for variable, name in zip(("SETTINGS", "AGENTS", "RULES", "HOOKS"), names.SEALED, strict=True):
        assert environ[f"ORCHESTRATOR_{variable}"] == str(served.temp / name)
    assert environ["ORCHESTRATOR_API_URL"] == f"http://localhost:{sealed.settings.port}"
    assert environ["CCO_TOKEN"] == sealed.settings.token
    assert environ["TMPDIR"] == str(served.temp)
    assert environ["ANTHROPIC_API_KEY"] == "sk-test"
    assert environ["EMPTY"] == ""
    given = environment(served, fake_claude, ANTHROPIC_API_KEY="sk-test", EMPTY="")
    new = {name.split("_")[0] for name in set(environ) - set(given)}
    locale = set() if served.frozen else {"LC"}  # a Python of its own corrects the C locale
    assert new <= {"ORCHESTRATOR", "CCO", "OTEL", "CLAUDE", "NO", "no", "PWD", *locale}
    assert not [name for name in environ if name.startswith(("_PYI", "LD_", "CCO_EXEC"))]


def test_nothing_secret_is_in_its_arguments(served: Sandbox, fake_claude: FakeClaude) -> None:
    start = launch(served, fake_claude, "-p", "x")
    sealed = served.sealed()
    line = "\0".join(start.arguments)
    assert sealed.settings.token not in line
    bridge = (served.temp / names.BRIDGE).read_text()
    assert sealed.settings.token not in bridge
    brief = sealed.open_member(names.AGENTS)["agents"][0]["brief"]
    rules = sealed.open_member(names.RULES)["rules"]
    for text in (line, bridge):
        assert not [one for one in (brief + rules).splitlines() if len(one) > 25 and one in text]


@pytest.mark.parametrize("value", ["false", "FALSE", "0", "no", "off"])
def test_switched_off_it_launches_plainly(
    sandbox: Sandbox, fake_claude: FakeClaude, value: str
) -> None:
    arguments = ["-p", "x", "--settings", "absent.json"]
    start = launch(sandbox, fake_claude, *arguments, ORCHESTRATOR_ENABLED=value)
    assert start.arguments == arguments
    assert not [name for name in start.environ if name.startswith("OTEL_")]
    assert "CCO_TOKEN" not in start.environ
    assert start.environ["ORCHESTRATOR_ENABLED"] == value
    assert list(sandbox.temp.iterdir()) == []
    assert sandbox.daemon_processes() == []


@pytest.mark.parametrize(
    "arguments",
    [["mcp", "list"], ["update"], ["plugin"], ["--", "--version"], ["--", "doctor"], ["--", "-h"]],
    ids=" ".join,
)
def test_managing_the_client_starts_no_daemon(
    source_sandbox: Sandbox, fake_claude: FakeClaude, arguments: list[str]
) -> None:
    result = source_sandbox.run(*arguments, env=environment(source_sandbox, fake_claude))
    assert result.code == 0, result
    assert fake_claude.only_start().arguments == [one for one in arguments if one != "--"]
    assert list(source_sandbox.temp.iterdir()) == []
    assert source_sandbox.daemon_processes() == []


def assert_failed(result: Result, code: int, *parts: str) -> None:
    assert result.code == code, result
    assert result.out == ""
    assert result.err.startswith("cco: error: ")
    assert "defect of cco" not in result.err
    assert "Traceback" not in result.err
    for part in parts:
        assert part in result.err


def test_without_claude_it_says_how_to_install_it(sandbox: Sandbox, tmp_path: Path) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(tmp_path / "absent/claude"))
    result = sandbox.run("-p", "x", env=env)
    assert_failed(result, 127, "absent/claude", "npm install -g @anthropic-ai/claude-code")
    assert list(sandbox.temp.iterdir()) == []
    if not Path("/usr/local/bin/claude").exists():
        env = sandbox.environment(PATH=str(tmp_path))
        assert_failed(sandbox.run("-p", "x", env=env), 127, "not installed", "npm install")


def test_a_program_that_cannot_be_run(served: Sandbox, tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text("no program")
    env = served.environment(CCO_CLAUDE=str(program))
    program.chmod(0o644)
    assert_failed(served.run("-p", "x", env=env), 126, str(program))
    program.write_bytes(b"\x7fELF and nothing more")
    program.chmod(0o755)
    assert_failed(served.run("-p", "x", env=env), 126, str(program), "cannot be run")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CCO_PORT", "70000"),
        ("CCO_PORT", "9" * 5000),
        ("CCO_STATUS_LINE", "maybe"),
        ("CCO_CONFIG", "/nowhere/config.toml"),
        ("TMPDIR", "/proc"),
    ],
    ids=["port", "long port", "boolean", "file", "folder"],
)
def test_a_setting_that_cannot_be_used_is_125(
    source_sandbox: Sandbox, fake_claude: FakeClaude, name: str, value: str
) -> None:
    env = environment(source_sandbox, fake_claude, **{name: value})
    assert_failed(source_sandbox.run("-p", "x", env=env), 125, value[:20])
    assert fake_claude.starts() == []


def test_a_folder_that_is_gone_is_125(source_sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
    process = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *source_sandbox.command, "-p", "x"],
        env=environment(source_sandbox, fake_claude),
        cwd=source_sandbox.project,
        capture_output=True,
        check=False,
    )
    result = Result(process.returncode, process.stdout.decode(), process.stderr.decode())
    assert_failed(result, 125, "current folder")


def test_a_port_that_is_taken_is_told_and_no_obstacle(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        env = environment(source_sandbox, fake_claude, CCO_PORT=str(port))
        result = source_sandbox.run("-p", "x", env=env)
    assert result.code == 0
    assert result.out == ""
    assert result.err.startswith(f"cco: port {port} is not free; the daemon uses ")
    assert len(fake_claude.starts()) == 1


def test_found_on_path_and_in_the_config_file(
    sandbox: Sandbox, fake_claude: FakeClaude, tmp_path: Path
) -> None:
    path = os.pathsep.join([str(fake_claude.folder), sandbox.environment()["PATH"]])
    assert sandbox.run("-p", "x", env=sandbox.environment(PATH=path)).code == 0
    folder = sandbox.home / ".config/cco"
    folder.mkdir(parents=True)
    other = FakeClaude(tmp_path / "other")
    (folder / "config.toml").write_text(f'claude = "{other.path}"\nport = {sandbox.port}\n')
    assert sandbox.run("-p", "x", env=sandbox.environment(PATH=path)).code == 0
    assert len(fake_claude.starts()) == len(other.starts()) == 1


def test_standard_input_is_claudes(served: Sandbox, tmp_path: Path) -> None:
    program = tmp_path / "claude"
    program.write_text("#!/bin/sh\nexec cat\n")
    program.chmod(0o755)
    env = served.environment(CCO_CLAUDE=str(program))
    text = b"piped \xff\x00 in\n" * 10_000
    process = served.start("-p", env=env)
    out, err = process.communicate(text)
    assert (process.returncode, out, err) == (0, text, b"")


@pytest.mark.parametrize(("how", "enabled"), [("exec", "true"), ("", "false")])
def test_a_claude_that_is_cco_again_is_refused(
    source_sandbox: Sandbox, tmp_path: Path, how: str, enabled: str
) -> None:
    """A wrapper of the name of claude that calls cco would otherwise go round for ever."""
    wrapper = tmp_path / "bin/claude"
    wrapper.parent.mkdir()
    count_and_stop = 'echo >> "$0.runs"; [ "$(wc -l < "$0.runs")" -le 20 ] || exit 99'
    call = f'{how} {shlex.join(source_sandbox.command)} "$@"'
    wrapper.write_text(f"#!/bin/sh\n{count_and_stop}\n{call}\n")
    wrapper.chmod(0o755)
    path = os.pathsep.join([str(wrapper.parent), source_sandbox.environment()["PATH"]])
    env = source_sandbox.environment(PATH=path, ORCHESTRATOR_ENABLED=enabled)
    assert_failed(source_sandbox.run("-p", "x", env=env), 126, "leads back to cco")


def installed(fake: FakeClaude, version: str) -> None:
    """Make the stand-in a program of npm's."""
    package = {"name": "@anthropic-ai/claude-code", "version": version}
    (fake.folder / "package.json").write_text(json.dumps(package))


def test_a_client_that_is_too_old_is_refused_with_what_to_do(
    sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    installed(fake_claude, "2.1.39")
    env = environment(sandbox, fake_claude)
    result = sandbox.run("-p", "hello", env=env)
    assert (result.code, result.out) == (126, "")
    assert "Claude Code 2.1.39 is too old: cco needs 2.1.40 or newer" in result.err
    assert "claude update" in result.err
    assert "ORCHESTRATOR_ENABLED=false" in result.err
    assert fake_claude.starts() == []
    assert sandbox.leftovers() == []
    # what is not orchestrated is not refused: it is how the client is updated
    assert sandbox.run("update", env=env).code == 0
    assert sandbox.run("-p", "x", env={**env, "ORCHESTRATOR_ENABLED": "false"}).code == 0
    assert [start.arguments for start in fake_claude.starts()].count(["-p", "x"]) == 1


@pytest.mark.parametrize(("version", "kind"), [("2.1.62", "command"), ("2.1.75", "http")])
def test_an_old_client_gets_hooks_of_its_own(
    served: Sandbox, fake_claude: FakeClaude, version: str, kind: str
) -> None:
    installed(fake_claude, version)
    start = launch(served, fake_claude, "-p", "hello")
    path = Path(start.option("--settings"))
    assert path.name.startswith(names.BRIDGE_COPY_PREFIX)
    hooks = json.loads(path.read_text())["hooks"]
    assert "PostCompact" not in hooks
    (hook,) = hooks["Stop"][0]["hooks"]
    assert hook["type"] == kind
    if kind == "http":
        headers = {name: hook["headers"][name] for name in (CLIENT_HEADER, LAUNCH_HEADER)}
        payload = {"session_id": version}
        assert served.request("POST", "/hooks/SessionStart", payload, headers).status == 200
    else:
        event = json.dumps({"session_id": version, "source": "startup"})
        (started,) = hooks["SessionStart"][0]["hooks"]
        command = shlex.split(started["command"])
        done = subprocess.run(
            command, input=event.encode(), env=start.environ, capture_output=True, check=True
        )
        assert "additionalContext" in done.stdout.decode()
    (session,) = [
        one
        for one in json.loads(served.ok("sessions", "--json"))["sessions"]
        if one["session_id"] == version
    ]
    assert session["client_version"] == version
    assert served.hook("SessionEnd", version).status == 200
    assert not path.exists()
