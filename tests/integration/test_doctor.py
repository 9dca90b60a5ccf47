"""cco doctor: it says what is wrong, changes nothing unasked, and puts right what is safe."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cco.cli.doctor import FORMAT
from cco.sealing import names
from tests.conftest import FakeClaude, Sandbox, has_ended, wait_until

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/doctor.schema.json").read_text())
DOCUMENT = (ROOT / "docs/doctor.md").read_text()
CLIENT = '#!/bin/sh\n[ "$1" = --version ] && echo "2.1.330 (Claude Code)"\n'
OLD_S = 3600


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A Claude Code that only says its version."""
    path = tmp_path / "client/claude"
    path.parent.mkdir()
    path.write_text(CLIENT)
    path.chmod(0o755)
    return path


def examined(
    sandbox: Sandbox,
    client: Path,
    *options: str,
    healthy: bool = True,
    env: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the doctor finds, as the documented schema has it; the exit code must fit."""
    variables = {"CCO_CLAUDE": str(client), **(env or {})}
    result = sandbox.run("doctor", "--json", *options, env=sandbox.environment(**variables))
    document = json.loads(result.out)
    assert (result.code, result.err) == (0 if healthy else 1, ""), document
    assert document["healthy"] is healthy
    jsonschema.validate(document, SCHEMA)
    return dict(document)


def found(document: dict[str, Any], finding_id: str) -> dict[str, Any]:
    (one,) = [one for one in document["findings"] if one["id"] == finding_id]
    return dict(one)


def everything(
    folder: Path, *, but: frozenset[str] = frozenset()
) -> dict[str, tuple[int, int, int, int]]:
    """All files below a folder, with what a change to any of them would change."""
    return {
        str(path): (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
        for path in (folder, *folder.rglob("*"))
        for status in (path.lstat(),)
        if ".cache" not in path.parts and path.name not in but
    }


def kill(sandbox: Sandbox) -> None:
    pid = sandbox.sealed().settings.pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: has_ended(pid), "the end of the daemon")


def age(path: Path) -> None:
    then = time.time() - OLD_S
    os.utime(path, (then, then), follow_symlinks=False)


# --- in order ---


def test_without_a_daemon_it_is_content_and_changes_nothing(sandbox: Sandbox, client: Path) -> None:
    before = everything(sandbox.root)
    document = examined(sandbox, client)
    assert everything(sandbox.root) == before
    assert sandbox.daemon_processes() == []
    assert document["format"] == FORMAT
    assert "not running" in found(document, "daemon.running")["detail"]
    assert found(document, "claude.version")["state"] == "ok"
    assert sandbox.frozen is not found(document, "program.build")["detail"].endswith("id source")
    assert not [one for one in document["findings"] if one["area"] == "files"]


def test_with_a_daemon_it_looks_at_everything_and_changes_nothing(
    sandbox: Sandbox, client: Path
) -> None:
    sandbox.ok("daemon", "start")
    (log,) = sandbox.state.glob("*.log")
    of_the_daemon = frozenset((names.HISTORY, sandbox.temp.name))  # it writes, and renames, there
    before, logged = everything(sandbox.root, but=of_the_daemon), log.read_text()
    document = examined(sandbox, client)
    assert everything(sandbox.root, but=of_the_daemon) == before
    assert log.read_text() == logged
    states = {one["id"]: one["state"] for one in document["findings"]}
    for finding_id in ("daemon.running", "daemon.version", "daemon.port", "clock.daemon",
                       "files.settings", "files.agents", "files.rules", "files.hooks",
                       "files.history", "files.bridge", "files.plugin", "hooks.command",
                       "hooks.http"):  # fmt: skip
        assert states[finding_id] == "ok", finding_id
    assert json.loads(sandbox.request("GET", "/api/v1/sessions").body)["sessions"] == []


def test_nothing_of_a_secret_is_shown(sandbox: Sandbox, client: Path) -> None:
    sandbox.ok("daemon", "start")
    (sandbox.temp / names.RULES).chmod(0o644)
    (sandbox.temp / names.HOOKS).write_bytes(b"x")
    settings = sandbox.sealed().settings
    secrets = {
        "ANTHROPIC_API_KEY": "sk-ant-a-key-of-somebody",
        "HTTPS_PROXY": "http://ada:open-sesame@proxy.example:3128",
        "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Basic b3BlbjpzZXNhbWU=",
        "CCO_TOKEN": settings.token,
        "CCO_PROT": "3000",
    }
    machine_id = sandbox.identity().machine_id
    env = sandbox.environment(CCO_CLAUDE=str(client), **secrets)
    for option in ([], ["--json"]):
        text = sandbox.run("doctor", *option, env=env).out
        for name, value in secrets.items():
            assert name in text, "the names of variables are shown"
            if name != "CCO_PROT":
                assert value not in text
        assert settings.token not in text
        assert "sesame" not in text
        assert machine_id not in text
    assert "cco does not know CCO_PROT" in text


def test_it_is_quick(sandbox: Sandbox, client: Path) -> None:
    """No figure is asserted: only that slow things run beside each other, and not in turn."""
    client.write_text(CLIENT.replace("[", "sleep 1; [", 1))
    sandbox.ok("daemon", "start")
    document = examined(sandbox, client)
    answered = re.search(r"answered in ([\d.]+) s", found(document, "claude.program")["detail"])
    there_and_back = re.search(r"in (\d+) ms", found(document, "hooks.command")["detail"])
    assert answered is not None
    assert float(answered[1]) >= 1.0
    assert there_and_back is not None


# --- how it is printed ---


def test_the_text_is_aligned_and_ends_with_the_verdict(sandbox: Sandbox, client: Path) -> None:
    result = sandbox.run("doctor", env=sandbox.environment(CCO_CLAUDE=str(client)))
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "This program"
    rows = [line for line in lines if re.match(r"  (ok|note|PROBLEM) ", line)]
    assert rows
    assert all(row[9:11] == "  " for row in rows), "the marks take one column"
    details = {re.match(r"  \S+ +(\S.*?)  +(?=\S)", row) for row in rows}
    assert len({match.end() for match in details if match}) == 1, "and so do the details"
    assert lines[-1].startswith("cco works here")
    assert lines[-1].endswith("Next: cco, in a project of yours")
    absent = sandbox.run("doctor", env=sandbox.environment(CCO_CLAUDE="/absent/claude"))
    assert absent.code == 1
    assert re.search(r"^  PROBLEM  Claude Code  +CCO_CLAUDE names", absent.out, re.MULTILINE)
    last = absent.out.splitlines()[-1]
    assert last.startswith("cco does not work as it should: 1 problem")
    assert "Next: Install Claude Code: npm install -g" in last


def at_a_terminal(sandbox: Sandbox, client: Path, **variables: str) -> str:
    """What is printed at a terminal."""
    ours, theirs = pty.openpty()
    env = sandbox.environment(CCO_CLAUDE=str(client), **variables)
    process = subprocess.Popen(
        [*sandbox.command, "doctor"], env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux: the last one closed the terminal
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(ours)
    assert process.wait() == 0
    return b"".join(pieces).decode()


def test_colours_are_for_terminals_that_want_them(source_sandbox: Sandbox, client: Path) -> None:
    coloured = at_a_terminal(source_sandbox, client, TERM="xterm")
    assert "\x1b[32mok" in coloured
    for variables in ({"TERM": "dumb"}, {}, {"TERM": "xterm", "NO_COLOR": "1"}):
        assert "\x1b" not in at_a_terminal(source_sandbox, client, **variables)


# --- what can be wrong ---


def test_a_client_that_hangs_is_given_up(
    source_sandbox: Sandbox, client: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whatever it has started, which holds its output open."""
    from cco.doctor.child import Child

    client.write_text("#!/bin/sh\nsleep 600 &\nexec sleep 600\n")
    child = Child([str(client)], source_sandbox.environment())
    assert child.ended(0.2) is None
    wait_until(lambda: not source_sandbox.processes(), "the end of all that it started")


def test_a_client_that_fails_is_a_problem(source_sandbox: Sandbox, client: Path) -> None:
    client.write_text("#!/bin/sh\nexit 3\n")
    finding = found(examined(source_sandbox, client, healthy=False), "claude.program")
    assert "--version exits 3" in finding["detail"]


def test_a_config_that_cannot_be_used_does_not_end_the_examination(
    source_sandbox: Sandbox, client: Path
) -> None:
    path = source_sandbox.root / "config.toml"
    path.write_text("colour = 1\n")
    document = examined(source_sandbox, client, healthy=False, env={"CCO_CONFIG": str(path)})
    assert "'colour'" in found(document, "config.file")["detail"]
    assert found(document, "claude.program")["state"] == "ok"
    assert found(document, "temp.folder")["state"] == "ok"


def test_a_client_that_is_cco_again(source_sandbox: Sandbox, client: Path) -> None:
    client.write_text("#!/bin/sh\necho 'cco 0.1.0 (checkout, development build)'\n")
    finding = found(examined(source_sandbox, client, healthy=False), "claude.program")
    assert "leads back to cco" in finding["detail"]


def test_orchestration_that_is_turned_off(source_sandbox: Sandbox, client: Path) -> None:
    document = examined(source_sandbox, client, env={"ORCHESTRATOR_ENABLED": "False"})
    assert found(document, "config.enabled")["state"] == "note"


def test_a_port_that_somebody_holds_is_named_with_its_owner(
    source_sandbox: Sandbox, client: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        finding = found(examined(source_sandbox, client, env={"CCO_PORT": port}), "daemon.port")
    assert finding["state"] == "note"
    assert f"(pid {os.getpid()})" in finding["detail"]
    assert found(examined(source_sandbox, client), "daemon.port")["detail"].endswith("is free")


def test_a_daemon_that_hangs(source_sandbox: Sandbox, client: Path) -> None:
    source_sandbox.ok("daemon", "start")
    pid = source_sandbox.sealed().settings.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        document = examined(source_sandbox, client, healthy=False)
    finally:
        os.kill(pid, signal.SIGCONT)
    finding = found(document, "daemon.running")
    assert finding["state"] == "problem"
    assert f"pid {pid}" in finding["detail"]
    assert "does not answer" in finding["detail"]


def test_a_stranger_on_the_daemons_port(source_sandbox: Sandbox, client: Path) -> None:
    source_sandbox.ok("daemon", "start")
    port = source_sandbox.sealed().settings.port
    kill(source_sandbox)
    code = (
        "import http.server as h, sys\n"
        "class H(h.BaseHTTPRequestHandler):\n"
        "    protocol_version = 'HTTP/1.1'\n"
        "    def do_GET(self): self.send_response(200);"
        " self.send_header('Content-Length', '0'); self.end_headers()\n"
        "s = h.HTTPServer(('127.0.0.1', int(sys.argv[1])), H); print('ready', flush=True)\n"
        "s.serve_forever()"
    )
    stranger = subprocess.Popen([sys.executable, "-c", code, str(port)], stdout=subprocess.PIPE)
    try:
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == b"ready\n"
        finding = found(examined(source_sandbox, client), "daemon.running")
    finally:
        stranger.kill()
        stranger.communicate()
    assert finding["state"] == "note"
    assert f"(pid {stranger.pid})" in finding["detail"]


def test_a_daemon_of_another_temp_folder_is_named(
    source_sandbox: Sandbox, client: Path, tmp_path: Path
) -> None:
    source_sandbox.ok("daemon", "start")
    other = tmp_path / "other temp"
    other.mkdir()
    inside = {"ORCHESTRATOR_SETTINGS": str(source_sandbox.temp / names.SETTINGS)}
    document = examined(source_sandbox, client, env={"TMPDIR": str(other), **inside})
    assert str(source_sandbox.temp) in found(document, "daemon.others")["detail"]
    session = found(document, "temp.session")
    assert session["state"] == "note"
    assert session["advice"] == f"Set TMPDIR={source_sandbox.temp}"


def test_a_daemon_whose_files_were_wiped_is_noticed(source_sandbox: Sandbox, client: Path) -> None:
    source_sandbox.ok("daemon", "start")
    pid = source_sandbox.sealed().settings.pid
    kept = {path: path.read_bytes() for path in source_sandbox.temp.iterdir() if path.is_file()}
    for path in kept:
        path.unlink()
    try:
        document = examined(source_sandbox, client, "--fix", healthy=False)
        finding = found(document, "daemon.wiped")
        assert document["fixed"] == []
        assert (source_sandbox.temp / names.PLUGIN).exists(), "it runs on, and may need it"
    finally:
        for path, data in kept.items():
            path.touch(0o600)
            path.write_bytes(data)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: has_ended(pid), "the end of the daemon")
    assert f"(pid {pid})" in finding["detail"]


@pytest.fixture
def healthy(daemon: Sandbox) -> Iterator[Sandbox]:
    """The module's daemon; its plain files are put back afterwards."""
    paths = (daemon.temp / names.BRIDGE, daemon.temp / names.PLUGIN / "agents/debugger.md")
    kept = {path: path.read_bytes() for path in paths}
    yield daemon
    for path, data in kept.items():
        path.touch(0o600)
        path.write_bytes(data)


@pytest.mark.parametrize("fault", ["gone", "another", "fails"])
def test_a_hook_command_that_does_not_work(healthy: Sandbox, client: Path, fault: str) -> None:
    """As after an upgrade or a move of the program that the daemon was started by."""
    bridge = healthy.temp / names.BRIDGE
    document = json.loads(bridge.read_text())
    hook = document["hooks"]["SessionStart"][0]["hooks"][0]
    program = {"gone": "/absent/cco", "another": "echo", "fails": "false"}[fault]
    hook["command"] = f"{program} hook SessionStart"
    bridge.write_text(json.dumps(document))
    finding = found(examined(healthy, client, healthy=False), "hooks.command")
    assert finding["state"] == "problem"
    assert "cco daemon restart" in finding["advice"]
    if fault == "gone":
        assert "exits 127" in finding["detail"]


@pytest.mark.parametrize("change", ["an event less", "a stub less", "another port"])
def test_plain_files_that_somebody_changed(healthy: Sandbox, client: Path, change: str) -> None:
    bridge = healthy.temp / names.BRIDGE
    if change == "a stub less":
        (healthy.temp / names.PLUGIN / "agents/debugger.md").unlink()
    elif change == "another port":
        port = healthy.sealed().settings.port
        bridge.write_text(bridge.read_text().replace(str(port), "1"))
    else:
        document = json.loads(bridge.read_text())
        del document["hooks"]["Stop"]
        bridge.write_text(json.dumps(document))
    finding_id = "files.plugin" if change == "a stub less" else "files.bridge"
    finding = found(examined(healthy, client, healthy=False), finding_id)
    assert finding["state"] == "problem"
    assert "cco daemon restart" in finding["advice"]


def test_a_shared_folder_without_a_sticky_bit(source_sandbox: Sandbox, client: Path) -> None:
    source_sandbox.temp.chmod(0o777)
    avoided = found(examined(source_sandbox, client), "temp.folder")
    assert avoided["state"] == "note"
    assert f"other users can replace what is in {source_sandbox.temp}" in avoided["detail"]
    source_sandbox.temp.chmod(0o1777)
    document = examined(source_sandbox, client)
    assert [found(document, name)["state"] for name in ("temp.folder", "temp.shared")] == ["ok"] * 2
    source_sandbox.temp.chmod(0o700)


def test_a_proxy_is_excepted_by_a_launch(daemon: Sandbox, client: Path) -> None:
    proxies = {"HTTP_PROXY": "http://proxy.example:3128", "NO_PROXY": "example.org"}
    document = examined(daemon, client, env=proxies)
    assert found(document, "hooks.proxy")["state"] == "ok"
    assert "HTTP_PROXY" in found(document, "hooks.proxy")["detail"]
    assert found(document, "hooks.http")["state"] == "ok"


def test_files_from_the_future(source_sandbox: Sandbox, client: Path) -> None:
    source_sandbox.ok("daemon", "start")
    later = time.time() + OLD_S
    os.utime(source_sandbox.temp / names.BRIDGE, (later, later))
    finding = found(examined(source_sandbox, client), "clock.files")
    assert finding["state"] == "note"
    assert re.search(r"3[56]\d\d s in the future", finding["detail"])


def test_a_locale_that_is_not_utf8(source_sandbox: Sandbox, client: Path) -> None:
    document = examined(source_sandbox, client, env={"LC_ALL": "de_DE.ISO-8859-1"})
    assert found(document, "terminal.encoding")["state"] == "note"
    document = examined(source_sandbox, client, env={"LC_ALL": "C"})
    assert found(document, "terminal.encoding")["state"] == "ok"


# --- what it puts right ---


@pytest.fixture
def strangers(source_sandbox: Sandbox) -> Iterator[dict[Path, bytes]]:
    """Files of nobody's business, which must be there afterwards as they were."""
    kept = {
        source_sandbox.temp / name: name.encode()
        for name in (".cco-notes", "cco.tmp", ".cco-claude-settings-mine.txt", "x.cco-rules.tmp")
    }
    for path, data in kept.items():
        path.write_bytes(data)
        age(path)
    yield kept
    for path, data in kept.items():
        assert path.read_bytes() == data
        path.unlink()


def fixed_twice(sandbox: Sandbox, client: Path, finding_id: str) -> str:
    """Have something put right, see that it is, and that there is nothing to do again."""
    (done,) = examined(sandbox, client, "--fix")["fixed"]
    assert done["id"] == finding_id
    again = examined(sandbox, client, "--fix")
    assert again["fixed"] == []
    assert not [one for one in again["findings"] if one["fix"]]
    return str(done["done"])


def test_a_sealed_file_that_is_open_to_others_is_closed(sandbox: Sandbox, client: Path) -> None:
    sandbox.ok("daemon", "start")
    for name in (names.RULES, names.SETTINGS):
        path = sandbox.temp / name
        path.chmod(0o644)
        assert examined(sandbox, client, healthy=False)["next"] == "cco doctor --fix"
        fixed_twice(sandbox, client, {names.RULES: "files.rules"}.get(name, "files.settings"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_not_followed_to_what_it_leads_to(
    source_sandbox: Sandbox, client: Path, tmp_path: Path
) -> None:
    source_sandbox.ok("daemon", "start")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    victim.chmod(0o644)
    path = source_sandbox.temp / names.RULES
    path.unlink()
    path.symlink_to(victim)
    assert examined(source_sandbox, client, "--fix", healthy=False)["fixed"] == []
    assert stat.S_IMODE(victim.stat().st_mode) == 0o644


def test_what_others_may_write_is_closed_to_them(sandbox: Sandbox, client: Path) -> None:
    folder = sandbox.home / ".config/cco/agents"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    (folder.parent / "config.toml").touch()
    (folder.parent / "config.toml").chmod(0o666)
    fixed_twice(sandbox, client, "config.writable")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert stat.S_IMODE((folder.parent / "config.toml").stat().st_mode) == 0o644


def test_drafts_and_locks_of_the_dead_are_removed(
    source_sandbox: Sandbox, client: Path, strangers: dict[Path, bytes]
) -> None:
    old, new = (source_sandbox.temp / f"{names.RULES}.{word}.tmp" for word in ("old", "new"))
    lock = source_sandbox.temp / names.START_LOCK
    for path in (old, new, lock):
        path.touch(0o600)
    age(old)
    age(lock)
    document = examined(source_sandbox, client, "--fix")
    assert {one["id"] for one in document["fixed"]} == {"leftovers.drafts", "leftovers.start_lock"}
    assert (old.exists(), new.exists(), lock.exists()) == (False, True, False)
    new.unlink()
    assert len(strangers) == 4


def test_a_lock_that_is_held_is_left(source_sandbox: Sandbox, client: Path) -> None:
    from cco.sealing.locks import Lock

    path = source_sandbox.temp / names.START_LOCK
    with Lock(path) as lock:
        assert lock.acquire()
        age(path)
        assert examined(source_sandbox, client, "--fix")["fixed"] == []
        assert path.exists()


def test_what_a_killed_daemon_left_whole_stays(sandbox: Sandbox, client: Path) -> None:
    """The next start takes up its port, its token and its history."""
    sandbox.ok("daemon", "start")
    kill(sandbox)
    kept = sandbox.leftovers()
    document = examined(sandbox, client, "--fix")
    assert document["fixed"] == []
    assert sandbox.leftovers() == kept
    running = found(document, "daemon.running")
    assert (running["state"], running["advice"]) == ("note", "To have it away: cco daemon stop")
    assert found(document, "files.settings")["state"] == "ok"
    assert not [one for one in document["findings"] if one["id"] == "hooks.command"]


def test_files_without_their_settings_are_removed_but_the_history(
    sandbox: Sandbox, client: Path
) -> None:
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart", source="startup")
    wait_until((sandbox.temp / names.HISTORY).exists, "the history")
    kill(sandbox)
    (sandbox.temp / names.SETTINGS).unlink()
    told = fixed_twice(sandbox, client, "leftovers.orphans")
    assert told == "removed 5 files of a daemon that is gone"
    assert sandbox.leftovers() == [names.HISTORY]


def test_settings_copies_of_no_process_are_removed(source_sandbox: Sandbox, client: Path) -> None:
    source_sandbox.ok("daemon", "start")
    used, unused = (
        source_sandbox.temp / f"{names.BRIDGE_COPY_PREFIX}{word}.json" for word in ("1a", "2b")
    )
    for path in (used, unused):
        path.touch(0o600)
        age(path)
    with subprocess.Popen(
        ["cat", "-", str(used)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as session:
        (done,) = examined(source_sandbox, client, "--fix")["fixed"]
        assert done == {"id": "leftovers.bridge_copies", "done": "removed 1 settings copies"}
        assert (used.exists(), unused.exists()) == (True, False)
        assert session.stdin is not None
        session.stdin.close()
    fixed_twice(source_sandbox, client, "leftovers.bridge_copies")


def test_unpacked_copies_of_other_versions_are_removed(
    tmp_path: Path, client: Path, fake_claude: FakeClaude
) -> None:
    import fcntl

    from tests.conftest import make_sandbox

    sandbox = make_sandbox("frozen", tmp_path)
    cache = tmp_path / "cache"
    more = {"XDG_CACHE_HOME": str(cache)}
    sandbox.run("version", env=sandbox.environment(**more))
    (mine,) = (cache / "cco").iterdir()
    unused, used = (cache / "cco" / (digit * 32) for digit in "12")
    for copy in (unused, used, cache / "cco" / "somebody else's"):
        (copy / "folder").mkdir(parents=True)
        (copy / "folder").chmod(0o500)
    fd = os.open(used, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    try:
        (done,) = examined(sandbox, client, "--fix", env=more)["fixed"]
        assert done["id"] == "leftovers.copies"
        assert {path.name for path in (cache / "cco").iterdir()} == {
            mine.name, used.name, "somebody else's"
        }  # fmt: skip
        assert examined(sandbox, client, "--fix", env=more)["fixed"] == []
    finally:
        os.close(fd)
    sandbox.close()


# --- the document ---


def test_every_id_is_documented_and_every_documented_id_exists() -> None:
    areas = "|".join(SCHEMA["properties"]["findings"]["items"]["properties"]["area"]["enum"])
    pattern = re.compile(rf'"((?:{areas})\.[a-z_]+)"')
    used = {
        one
        for path in (ROOT / "cco/doctor").glob("*.py")
        for one in pattern.findall(path.read_text())
    }
    rows = "\n".join(line for line in DOCUMENT.splitlines() if line.startswith("| `"))
    documented = set(re.findall(rf"`((?:{areas})\.[a-z_]+)`", rows))
    assert used == documented


def test_the_areas_of_the_schema_are_those_of_the_examination() -> None:
    from cco.doctor.examination import AREAS

    items = SCHEMA["properties"]["findings"]["items"]["properties"]
    assert items["area"]["enum"] == list(AREAS)


def test_every_variable_of_ours_is_known() -> None:
    from cco.doctor.own_settings import KNOWN, OURS

    sources = [path for path in (ROOT / "cco").rglob("*.py") if path.name != "own_settings.py"]
    sources += (ROOT / "build/launcher").rglob("*.c")
    used = {one for path in sources for one in re.findall(r'"(CCO_[A-Z_]+)"', path.read_text())}
    settings = {"CCO_CLAUDE", "CCO_CONFLICTS", "CCO_HINTS", "CCO_KEEP_HISTORY", "CCO_PORT",
                "CCO_STATUS_LINE", "CCO_BUILD_SECRET"}  # fmt: skip
    assert used - {"CCO_REMOVE", "CCO_PARENT"} <= KNOWN | OURS
    assert used | settings >= KNOWN | OURS
