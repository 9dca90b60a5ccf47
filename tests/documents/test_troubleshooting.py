"""What docs/troubleshooting.md says of each symptom was tried: here, or where the table says."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cco.sealing import names
from tests.conftest import Sandbox
from tests.documents.command_lines import ROOT
from tests.fake_claude import FakeClaude

DOCUMENT = (ROOT / "docs/troubleshooting.md").read_text()
HERE = "tests/documents/test_troubleshooting.py"
LAUNCH = "tests/integration/test_launch.py"
TRIED = {
    "Files are not found": f"{HERE}::test_files_that_somebody_removed_come_back",
    "The port is taken": f"{HERE}::test_a_taken_port",
    "A setting cannot be used": f"{HERE}::test_a_setting_that_cannot_be_used",
    "This machine has no id": "tests/unit/test_sealing_identity.py",
    "It was killed": "tests/integration/test_hook_command.py"
    "::test_a_daemon_that_was_killed_comes_back_as_it_was",
    "It cannot be written": f"{HERE}::test_a_temp_folder_that_cannot_be_written",
    "It is mounted noexec": "tests/frozen/test_launcher_places.py"
    "::test_mounts_that_cannot_hold_a_program",
    "It is full": f"{HERE}::test_a_temp_folder_that_is_full",
    "It was started with `claude`, not with `cco`": f"{HERE}::test_only_a_launch_has_the_variables",
    "It is a session from before": "tests/e2e/test_compaction.py",
    "`ORCHESTRATOR_ENABLED=false`": f"{LAUNCH}::test_switched_off_it_launches_plainly",
    "Managed settings forbid it": "tests/integration/test_launch_settings.py"
    "::test_settings_that_keep_hooks_away_are_said_so_and_no_obstacle",
    "Claude Code is too old": "tests/integration/test_launch.py"
    "::test_a_client_that_is_too_old_is_refused_with_what_to_do",
    "The daemon was stopped": "tests/integration/test_hook_command.py"
    "::test_a_daemon_that_was_stopped_stays_stopped",
    "Claude Code is not found": f"{HERE}::test_a_claude_that_is_nowhere",
    "Figures are missing": f"{HERE}::test_an_export_of_the_users_own_is_named",
    "A typing error starts a session": f"{HERE}::test_a_typing_error_is_a_prompt",
    "A sealed file is refused": "tests/integration/test_tampering.py"
    "::test_a_file_of_an_earlier_run_is_refused_until_a_restart",
    "Behind a proxy of your company": "tests/e2e/test_users_own.py"
    "::test_a_proxy_of_the_users_sees_no_hook",
    "WSL": "not tried, and the document says so",
    "Containers": "tests/platforms/test_linux.py",
    "ssh": "not tried here; tests/integration/test_dashboard_access.py has the sign-in",
    "Git Bash, CMD, PowerShell": "tests/windows/test_launch.py",
    "Removing all of it": "tests/installers/test_install_command.py"
    "::test_uninstall_stops_the_daemon_and_leaves_nothing",
}


def symptoms() -> Iterator[str]:
    """Every point in bold at the start of a list, and every section that has none."""
    for section in re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]:
        points = re.findall(r"^- \*\*(.+?)\.?\*\*", section, re.MULTILINE)
        yield from points or [section.splitlines()[0]]


def test_every_symptom_was_tried_somewhere() -> None:
    assert list(symptoms()) == list(TRIED)


@pytest.mark.parametrize("where", sorted(TRIED.values()))
def test_where_it_was_tried_is_there(where: str) -> None:
    for path, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", where):
        assert (ROOT / path).is_file()
        assert not name or f"def {name}(" in (ROOT / path).read_text()


def test_every_symptom_in_the_table_leads_to_a_section() -> None:
    headings = re.findall(r"^## (.+)$", DOCUMENT, re.MULTILINE)
    linked = re.findall(r"^\|.*\| \[(.+)\]\(#.+\) \|$", DOCUMENT, re.MULTILINE)
    assert linked == headings


# --- tried here ---


def test_files_that_somebody_removed_come_back(sandbox: Sandbox) -> None:
    sandbox.ok("daemon", "start")
    before = sandbox.ok("daemon", "status")
    for name in names.MEMBERS:
        (sandbox.temp / name).unlink()
    sandbox.ok("daemon", "restart")
    assert set(names.SEALED) <= set(sandbox.leftovers())
    after = sandbox.ok("daemon", "status")
    port = re.compile(r"on port (\d+)")
    assert port.findall(before) == port.findall(after)
    assert all(name in after for name in names.SEALED)


def test_a_taken_port(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        refused = sandbox.run("daemon", "start", "--port", port)
        assert (refused.code, "Choose another port with --port" in refused.err) == (4, True)
        moved = sandbox.run("daemon", "start", env=sandbox.environment(CCO_PORT=port))
        assert (moved.code, f"port {port}" in moved.err) == (0, True)
    assert f"port {port} " not in moved.out


def test_a_setting_that_cannot_be_used(sandbox: Sandbox) -> None:
    result = sandbox.run("daemon", "start", env=sandbox.environment(CCO_PORT="three thousand"))
    assert (result.code, "CCO_PORT" in result.err) == (10, True)
    assert "cco help settings" in result.err
    assert sandbox.leftovers() == []


def test_a_temp_folder_that_cannot_be_written(sandbox: Sandbox) -> None:
    """/proc takes no files, not even root's."""
    result = sandbox.run("daemon", "start", env=sandbox.environment(TMPDIR="/proc"))
    assert (result.code, "point TMPDIR" in result.err) == (8, True)
    elsewhere = sandbox.root / "absent"
    shown = sandbox.run("doctor", "--json", env=sandbox.environment(TMPDIR=str(elsewhere)))
    (temp,) = [one for one in json.loads(shown.out)["findings"] if one["subject"] == "temp folder"]
    assert temp["detail"].startswith("/tmp, since TMPDIR names")  # the usual one


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="mounts a small file system"
)
def test_a_temp_folder_that_is_full(sandbox: Sandbox) -> None:
    small = sandbox.root / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=200k none "$0" && "$@"; code=$?; ls -A "$0"; exit $code'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, str(small), *sandbox.command, "daemon", "start"],
        env=sandbox.environment(TMPDIR=str(small)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "No space left on device" in done.stderr) == (8, True)
    assert done.stdout == ""  # nothing is left in it


def test_only_a_launch_has_the_variables(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    sandbox.ok(env=sandbox.environment(CCO_CLAUDE=str(fake_claude.path)))
    settings = fake_claude.only_start().environ["ORCHESTRATOR_SETTINGS"]
    assert Path(settings).is_file()


def test_a_claude_that_is_nowhere(sandbox: Sandbox) -> None:
    result = sandbox.run(env=sandbox.environment(CCO_CLAUDE="/opt/claude/bin/claude"))
    assert (result.code, "npm install -g @anthropic-ai/claude-code" in result.err) == (127, True)
    assert "CCO_CLAUDE=/path/to/claude cco" in result.err


def test_an_export_of_the_users_own_is_named(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    folder = sandbox.home / ".claude"
    folder.mkdir()
    settings = {"env": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}}
    (folder / "settings.json").write_text(json.dumps(settings))
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    assert "your own OpenTelemetry export" in sandbox.ok("doctor", env=env)


def test_a_typing_error_is_a_prompt(sandbox: Sandbox, fake_claude: FakeClaude) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    assert sandbox.run("costs", env=env).code == 0
    assert fake_claude.only_start().arguments[-1:] == ["costs"]
    meant = {"stop": "daemon stop", "session": "sessions", "agent list": "agents list"}
    for line, command in meant.items():
        assert (refused := sandbox.run(*line.split(), env=env)).code == 125
        assert f"Did you mean: cco {command}?" in refused.err
