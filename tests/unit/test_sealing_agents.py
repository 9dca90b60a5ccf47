"""One agent out of the sealed ones is the same whether the rest is parsed or not."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cco.errors import SealedFileChanged, SealedPayloadInvalid
from cco.sealing import names
from cco.sealing.envelope import seal, unseal
from cco.sealing.keys import Identity
from cco.sealing.sealed_set import SealedSet, file_hmac, write_set

IDENTITY = Identity("machine", "user", b"secret")
INSTANCE = bytes(16)
SETTINGS = {
    "api_url": "http://localhost:3000",
    "port": 3000,
    "pid": 1,
    "token": "t",
    "version": "1",
    "created_at": "now",
    "roster": [],
    "policy": {},
}
TEXT = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(
        ['{"name":"a",', '"},{"name":"b","brief":"', "\\", '\\"', "},{", "\\u007b", '"']
    ),
)


def agent(name: str, brief: str) -> dict[str, Any]:
    about = {"description": brief[:9], "model": "sonnet", "tools": [brief], "keywords": []}
    return {"name": name, **about, "source": "cco", "brief": brief}


def sealed(folder: str, agents: Any) -> SealedSet:
    members: dict[str, dict[str, Any]] = {
        names.AGENTS: {"agents": agents},
        names.RULES: {"rules": ""},
        names.HOOKS: dict.fromkeys(
            ("pre_compact", "post_compact", "agent_pre_compact", "agent_post_compact"), ""
        ),
    }
    return write_set(Path(folder), IDENTITY, SETTINGS, members, instance=INSTANCE)


@settings(database=None, deadline=None, max_examples=50)
@given(st.dictionaries(TEXT, TEXT, max_size=5), TEXT)
def test_one_agent_is_found_as_in_the_whole(briefs: dict[str, str], other: str) -> None:
    agents = [agent(name, brief) for name, brief in briefs.items()]
    with TemporaryDirectory() as folder:
        found = sealed(folder, agents)
        assert found.open_member(names.AGENTS)["agents"] == agents
        for one in agents:
            assert found.open_agent(one["name"]) == one
        if other not in briefs:
            assert found.open_agent(other) is None
        assert found.open_agent(f"{other}\ud800") is None


def test_an_agent_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SealedPayloadInvalid, match="'tools'"):
        sealed(str(tmp_path), [{**agent("a", "brief"), "tools": None}]).open_agent("a")


@pytest.mark.parametrize(
    ("instead", "why"),
    [(b'"name":"b","source"', "has an agent of two names"), (b"source", "does not hold JSON")],
)
def test_an_agent_that_was_sealed_wrong_is_refused(
    tmp_path: Path, instead: bytes, why: str
) -> None:
    found = sealed(str(tmp_path), [agent("a", "brief")])
    plaintext = unseal(found.path(names.AGENTS).read_bytes(), names.AGENTS, IDENTITY)
    again = seal(plaintext.replace(b'"source"', instead), names.AGENTS, IDENTITY)
    found.path(names.AGENTS).write_bytes(again)
    entry = {"size": len(again), "hmac_sha256": file_hmac(again, IDENTITY, INSTANCE)}
    manifest = {**found.settings.manifest, names.AGENTS: entry}
    found = found._replace(settings=found.settings._replace(manifest=manifest))
    with pytest.raises(SealedPayloadInvalid, match=why):
        found.open_agent("a")


def test_a_changed_file_gives_no_agent(tmp_path: Path) -> None:
    found = sealed(str(tmp_path), [agent("a", "brief")])
    path = found.path(names.AGENTS)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    with pytest.raises(SealedFileChanged):
        found.open_agent("a")
