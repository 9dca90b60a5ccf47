"""A daemon that hangs, is elsewhere, lost its files, or whose port somebody holds."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from cco.sealing import names
from tests.conftest import Sandbox, has_ended, wait_until
from tests.integration.doctor.conftest import examined, found


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
    source_sandbox.kill_daemon()
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
