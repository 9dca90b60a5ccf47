"""The second implementation opens what a real daemon sealed, and refuses what it must."""

from __future__ import annotations

import os
from typing import Any

import machineid
import pytest

from cco.build_info import DEVELOPMENT_SECRET
from cco.catalogue.markdown import load_markdown
from cco.sealing import names
from cco.sealing.identity import username
from tests.conftest import Sandbox
from tests.vectors.second import needs_node, run

pytestmark = [
    needs_node,
    pytest.mark.skipif(os.name == "nt", reason="the second implementation knows no access lists"),
]


def identity_of(sandbox: Sandbox) -> dict[str, str]:
    """What the daemon's keys are bound to, found without cco's help."""
    try:
        machine_id = str(machineid.id())
    except machineid.MachineIdNotFound:
        (path,) = sandbox.home.rglob("machine-id")
        machine_id = path.read_text().strip()
    return {
        "machine_id": machine_id,
        "username": username(),
        "build_secret": DEVELOPMENT_SECRET.hex(),
    }


def open_set(sandbox: Sandbox, identity: dict[str, str]) -> tuple[int, Any]:
    code, document, errors = run("open-set", sandbox.temp, stdin=identity)
    assert errors == ""
    return code, document


def test_it_opens_the_files_of_a_daemon(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    identity = identity_of(source_sandbox)
    code, document = open_set(source_sandbox, identity)
    assert code == 0, document
    catalogue = load_markdown()
    settings, members = document["settings"], document["members"]
    assert settings["api_url"] == f"http://localhost:{settings['port']}"
    assert settings["roster"] == [agent.public() for agent in catalogue.agents]
    assert members[names.RULES]["rules"] == catalogue.rules
    assert members[names.HOOKS]["pre_compact"] == catalogue.pre_compact
    assert members[names.HOOKS]["post_compact"] == catalogue.post_compact
    briefs = {agent["name"]: agent["brief"] for agent in members[names.AGENTS]["agents"]}
    assert briefs == {agent.name: agent.brief for agent in catalogue.agents}
    assert {member["instance"] for member in members.values()} == {settings["instance"]}

    for part in identity:
        other = {**identity, part: identity[part] + "00"}
        assert open_set(source_sandbox, other) == (1, {"error": "SealedFileForeign"}), part


def test_it_refuses_what_was_put_in_place_of_a_file(source_sandbox: Sandbox) -> None:
    source_sandbox.ok("daemon", "start")
    earlier = {name: (source_sandbox.temp / name).read_bytes() for name in names.SEALED}
    source_sandbox.ok("daemon", "restart")
    identity = identity_of(source_sandbox)
    now = {name: (source_sandbox.temp / name).read_bytes() for name in names.SEALED}
    rules = now[names.RULES]
    for name, data, error in (
        *[(name, earlier[name], "SealedFileReplayed") for name in names.MEMBERS],
        (names.SETTINGS, earlier[names.SETTINGS], "SealedFileReplayed"),
        (names.RULES, now[names.HOOKS], "SealedFileSwapped"),
        (names.RULES, rules[:-1] + bytes([rules[-1] ^ 1]), "SealedFileChanged"),
        (names.RULES, rules[:-1], "SealedFileTruncated"),
    ):
        (source_sandbox.temp / name).write_bytes(data)  # in place: the mode stays
        assert open_set(source_sandbox, identity) == (1, {"error": error}), name
        (source_sandbox.temp / name).write_bytes(now[name])
    path = source_sandbox.temp / names.RULES
    path.chmod(0o640)
    assert open_set(source_sandbox, identity) == (1, {"error": "SealedFileUnsafe"})
    path.unlink()
    assert open_set(source_sandbox, identity) == (1, {"error": "SealedFileMissing"})
    path.touch(0o600)
    path.write_bytes(rules)
    assert open_set(source_sandbox, identity)[0] == 0
