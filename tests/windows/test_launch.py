"""A launch on Windows: Claude Code runs as if it had been started itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import TIMEOUT_S, Sandbox, has_ended, wait_until
from tests.windows.conftest import WINE, FakeClaude

assert sys.platform == "win32"  # tells the type checker where this runs

CONSOLE = Path(__file__).parent / "console.py"
ARGUMENTS = [
    "",
    " ",
    "a b",
    'say "hi"',
    "back\\slash",
    "ends\\",
    "quoted ends\\\\ ",
    '\\"',
    "%PATH%",
    "^&|<>()!",
    "'single'",
    "größer ✓ 名前",
    "line\nbreak",
    "*.py",
    "-x",
]


@pytest.mark.parametrize("code", [0, 1, 42, 255, 256, 0x7FFFFFFF, 0x80000001, 0xC0000005])
def test_its_exit_code_is_ours(sandbox: Sandbox, fake_claude: FakeClaude, code: int) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path), FAKE_EXIT=str(code))
    env["ORCHESTRATOR_ENABLED"] = "false"
    assert sandbox.run("-p", "hi", env=env).code & 0xFFFFFFFF == code
    assert fake_claude.only_start().arguments == ["-p", "hi"]


def test_an_orchestrated_launch(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    env = sandbox.environment(
        CCO_CLAUDE=str(fake_claude.path), FAKE_OUTPUT="größer ✓", FAKE_EXIT="7"
    )
    result = sandbox.run("-p", *ARGUMENTS, env=env)
    assert (result.code, result.out) == (7, "größer ✓\0")
    start = fake_claude.only_start()
    assert start.arguments[-len(ARGUMENTS) :] == ARGUMENTS
    assert Path(start.folder).samefile(sandbox.project)
    assert Path(start.option("--settings")).is_file()
    settings = sandbox.sealed().settings
    assert start.environ["ORCHESTRATOR_ENABLED"] == "true"
    assert start.environ["ORCHESTRATOR_API_URL"] == settings.api_url
    assert Path(start.environ["ORCHESTRATOR_SETTINGS"]).is_file()
    assert start.environ["CCO_TOKEN"] == settings.token
    assert Path(start.environ["TEMP"]).samefile(sandbox.temp)
    assert not [name for name in start.environ if name.startswith(("_PYI_", "CCO_EXECUTABLE"))]
    assert has_ended(start.pid)


@pytest.mark.parametrize(
    "native",
    [
        "node_modules/@anthropic-ai/claude-code/bin/claude.exe",
        "node_modules/@anthropic-ai/claude-code-win32-x64/claude.exe",
    ],
)
def test_behind_npms_shim_is_the_native_program(
    sandbox: Sandbox, fake_claude: FakeClaude, native: str
) -> None:
    npm = sandbox.home / "npm with spaces"
    (npm / native).parent.mkdir(parents=True)
    fake_claude.path.rename(npm / native)
    (npm / "claude.cmd").write_text("@exit 13\n")
    (npm / "claude").write_text("#!/bin/sh\nexit 14\n")
    env = sandbox.environment(PATH=f"{npm};{sandbox.environment()['PATH']}", FAKE_EXIT="9")
    env["ORCHESTRATOR_ENABLED"] = "false"
    arguments = ["-p", '100% "sure" & more']
    assert sandbox.run(*arguments, env=env).code == 9
    fake_claude.folder = (npm / native).parent
    assert fake_claude.only_start().arguments == arguments


def test_a_shim_with_nothing_native_behind_it(sandbox: Sandbox) -> None:
    folder = sandbox.home / "npm"
    folder.mkdir()
    (folder / "claude.cmd").write_text("@exit 13\n")
    result = sandbox.run("-p", "hi", env=sandbox.environment(CCO_CLAUDE=str(folder / "claude.cmd")))
    assert result.code == 126
    assert "shim" in result.err


def test_without_claude_it_says_so(sandbox: Sandbox) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(sandbox.home / "claude.exe"))
    assert sandbox.run("-p", "hi", env=env).code == 127


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(0, id="Ctrl-C"),
        pytest.param(
            1,
            id="Ctrl-Break",
            marks=pytest.mark.skipif(WINE, reason="wine ends every program at Ctrl-Break unasked"),
        ),
    ],
)
def test_the_console_tells_claude_once_and_only_claude_decides(
    sandbox: Sandbox, fake_claude: FakeClaude, tmp_path: Path, event: int
) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path), FAKE_HOLD="1")
    report = tmp_path / "report"
    command = [sys.executable, str(CONSOLE), str(report), str(event), str(fake_claude.folder)]
    done = subprocess.run(
        [*command, *sandbox.command, "-p", "hi"],
        env=env,
        cwd=sandbox.project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        creationflags=subprocess.CREATE_NO_WINDOW,
        timeout=2 * TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done
    assert report.read_text().splitlines()[0] == str(100 + event)
    assert sandbox.run("daemon", "status").code == 0


def test_killed_it_takes_claude_with_it_but_not_the_daemon(
    sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path), FAKE_HOLD="1")
    with sandbox.start("-p", "hi", env=env) as process:
        wait_until(fake_claude.starts, "the start of Claude Code")
        pid = fake_claude.only_start().pid
        assert psutil.pid_exists(pid)
        process.kill()
    wait_until(lambda: has_ended(pid), "the end of Claude Code")
    assert sandbox.run("daemon", "status").code == 0


def test_a_project_deep_down(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    """Windows starts no program in a folder beyond 258 characters; a file there may be named."""
    deep = sandbox.project / ("d" * 100)
    (deep / ("e" * 200)).mkdir(parents=True)
    named = deep / ("e" * 200) / "settings.json"
    named.write_text('{"model": "opus"}')
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    result = sandbox.run("--settings", str(named), "-p", "hi", env=env, cwd=deep)
    assert result.code == 0, result
    assert '"opus"' in Path(fake_claude.only_start().option("--settings")).read_text()
