"""Many who want a daemon at the same moment get one, the same."""

from __future__ import annotations

from cco.sealing import names
from tests.conftest import Sandbox, finish
from tests.fake_claude import FakeClaude

CROWD = 20


def test_twenty_starts_at_once_bring_up_one_daemon(sandbox: Sandbox) -> None:
    ends = finish(*[sandbox.start("daemon", "start") for _ in range(CROWD)])
    settings = sandbox.sealed().settings
    line = f"the daemon runs on port {settings.port} (pid {settings.pid})\n"
    assert {(end.code, end.out) for end in ends} == {(0, line)}
    assert [process.pid for process in sandbox.daemon_processes()] == [settings.pid]
    assert names.START_LOCK not in sandbox.leftovers()


def test_twenty_launches_at_once_share_one_daemon(
    sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    ends = finish(*[sandbox.start("-p", str(index), env=env) for index in range(CROWD)])
    assert {(end.code, end.out) for end in ends} == {(0, "")}
    settings = sandbox.sealed().settings
    starts = fake_claude.starts()
    assert len(starts) == CROWD
    assert {start.arguments[-1] for start in starts} == {str(index) for index in range(CROWD)}
    assert {start.environ["CCO_TOKEN"] for start in starts} == {settings.token}
    assert [process.pid for process in sandbox.daemon_processes()] == [settings.pid]


def test_many_launches_after_a_crash_find_port_and_token_again(
    source_sandbox: Sandbox, fake_claude: FakeClaude
) -> None:
    sandbox = source_sandbox
    sandbox.ok("daemon", "start")
    before = sandbox.sealed().settings
    sandbox.kill_daemon()
    env = sandbox.environment(CCO_CLAUDE=str(fake_claude.path))
    ends = finish(*[sandbox.start("-p", "x", env=env) for _ in range(CROWD // 2)])
    assert {end.code for end in ends} == {0}
    after = sandbox.sealed().settings
    assert (after.port, after.token) == (before.port, before.token)
    seen = {
        (start.environ["ORCHESTRATOR_API_URL"], start.environ["CCO_TOKEN"])
        for start in fake_claude.starts()
    }
    assert seen == {(f"http://localhost:{before.port}", before.token)}
    assert len(sandbox.daemon_processes()) == 1


def test_starts_and_stops_in_a_tangle_end_with_nothing_left(source_sandbox: Sandbox) -> None:
    sandbox = source_sandbox
    commands = ["start", "stop"] * (CROWD // 4)
    ends = finish(*[sandbox.start("daemon", command) for command in commands])
    assert all("Traceback" not in end.err and "defect of cco" not in end.err for end in ends), ends
    sandbox.ok("daemon", "stop")
    assert not list(sandbox.temp.iterdir())
    assert sandbox.daemon_processes() == []
