"""cco doctor as a whole: it looks at everything, changes nothing unasked and tells no secret."""

from __future__ import annotations

import json
import re
from pathlib import Path

from cco.cli.doctor import FORMAT
from cco.sealing import names
from tests.conftest import Sandbox
from tests.integration.doctor.conftest import CLIENT, examined, found


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
    log = sandbox.log_file
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
