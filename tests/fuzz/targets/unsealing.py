"""Sealed files: raw bytes, changed files, and what opens but does not hold what it must.

The first byte chooses. What is to get past the AEAD is sealed here with the right keys.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cco.errors import SealError
from cco.sealing import names
from cco.sealing.envelope import MIN_BYTES, seal, unseal
from cco.sealing.journal import MAX_SEGMENT_BYTES, _Chain, open_segments
from cco.sealing.sealed_set import FORMAT, SealedSet, Settings, _encode, file_hmac, open_set
from tests.fuzz.in_process import IDENTITY, INSTANCE, scratch, sealed_files

WORDS = (
    *"""
    format instance api_url port pid token version created_at manifest roster policy size
    hmac_sha256 agents rules pre_compact post_compact name description model tools keywords brief
    """.split(),
    INSTANCE.hex(),
    *names.SEALED,
)
_NONCE = bytes(16)


def run(data: bytes) -> None:
    """Open it in one of the ways."""
    if data:
        _WAYS[data[0] % len(_WAYS)](data[1:])


def raw_file(data: bytes) -> None:
    """Nobody who does not know the keys makes a file that opens."""
    for name in names.SEALED:
        assert _refused(lambda name=name: unseal(data, name, IDENTITY))  # type: ignore[misc]


def raw_segments(data: bytes) -> None:
    assert _refused(lambda: list(open_segments(data, names.HISTORY, IDENTITY)))


def changed_file(data: bytes) -> None:
    """Bytes of a good file replaced, at places that the data names."""
    if len(data) < 2:
        return
    name = names.SEALED[data[0] % len(names.SEALED)]
    good = sealed_files().path(name).read_bytes()
    place = int.from_bytes(data[1:4], "big") % (len(good) + 1)
    taken = data[4] if len(data) > 4 else 0
    changed = good[:place] + data[5:] + good[place + taken :]
    if changed != good:
        assert _refused(lambda: unseal(changed, name, IDENTITY))


def settings_payload(data: bytes) -> None:
    """A settings file of anything, sealed with the right keys."""
    folder = _folder({names.SETTINGS: seal(data, names.SETTINGS, IDENTITY, nonce=_NONCE)})
    try:
        found = open_set(folder, IDENTITY)
    except SealError:
        return
    settings = found.settings
    assert isinstance(settings, Settings)
    assert 1 <= settings.port <= 65535
    assert len(bytes.fromhex(settings.instance)) == len(INSTANCE)
    for name in names.MEMBERS:
        assert _refused(lambda name=name: found.open_member(name))  # type: ignore[misc]


def member_payload(data: bytes) -> None:
    """A member of anything, sealed with the right keys and vouched for."""
    if not data:
        return
    name = names.MEMBERS[data[0] % len(names.MEMBERS)]
    found = _vouching_for(name, seal(data[1:], name, IDENTITY, nonce=_NONCE))
    try:
        payload = found.open_member(name)
    except SealError:
        return
    assert payload["instance"] == INSTANCE.hex()
    assert payload["format"] == FORMAT
    for agent in payload["agents"] if name == names.AGENTS else ():
        assert isinstance(agent["name"], str)
        assert isinstance(agent["brief"], str)


def one_agent(data: bytes) -> None:
    """Agents of anything, of which one is asked for by the name on the first line."""
    line, _, payload = data.partition(b"\n")
    name = line.decode(errors="surrogateescape")
    found = _vouching_for(names.AGENTS, seal(payload, names.AGENTS, IDENTITY, nonce=_NONCE))
    try:
        agent = found.open_agent(name)
    except SealError:
        return
    if agent is not None:
        assert agent["name"] == name
        assert isinstance(agent["brief"], str)
        json.dumps(agent)


def each_agent(data: bytes) -> None:
    """Agents of any names and briefs, written as cco does: each is found as in the whole file."""
    texts = data.decode(errors="replace").split("\n")[:8]
    brief = "\n".join(reversed(texts))
    about = {"description": brief, "model": "opus", "tools": [brief], "keywords": texts}
    agents = [
        {"name": name, **about, "brief": f"{number}{brief}"}
        for number, name in enumerate(texts[::2])
    ]
    payload = {"format": FORMAT, "instance": INSTANCE.hex(), "agents": agents}
    sealed = seal(_encode(payload), names.AGENTS, IDENTITY, nonce=_NONCE)
    found = _vouching_for(names.AGENTS, sealed)
    whole = found.open_member(names.AGENTS)["agents"]
    assert whole == agents
    for name in (*texts, brief):
        expected = next((one for one in whole if one["name"] == name), None)
        assert found.open_agent(name) == expected


def manifest(data: bytes) -> None:
    """Manifest entries of anything, in settings that are right but for them."""
    try:
        entry = json.loads(data)
    except (ValueError, RecursionError):
        return
    good = sealed_files()
    settings = _document(good, {names.RULES: entry})
    files = {name: good.path(name).read_bytes() for name in names.MEMBERS}
    sealed = seal(json.dumps(settings).encode(), names.SETTINGS, IDENTITY, nonce=_NONCE)
    folder = _folder({**files, names.SETTINGS: sealed})
    right = good.settings.manifest[names.RULES]
    try:
        payload = open_set(folder, IDENTITY).open_member(names.RULES)
    except SealError:
        return
    assert entry["hmac_sha256"] == right["hmac_sha256"]
    assert payload["rules"]


def segments(data: bytes) -> None:
    """Segments of which the lengths are the data's."""
    chain = _Chain(names.HISTORY, IDENTITY)
    parts = data.split(b"\n")[:8]
    sealed = b"".join(chain.seal(part, bytes([number]) * 16) for number, part in enumerate(parts))
    assert list(open_segments(sealed, names.HISTORY, IDENTITY)) == parts
    cut = len(data) * 7 % (len(sealed) + 1)
    try:
        found = list(open_segments(sealed[:cut], names.HISTORY, IDENTITY))
    except SealError:
        assert cut < len(parts[0]) + MIN_BYTES + 4
    else:
        assert found == parts[: len(found)]
    longer = sealed + data[:64]
    try:
        found = list(open_segments(longer, names.HISTORY, IDENTITY))
    except SealError:
        return
    assert found == parts
    rest = longer[len(sealed) :]
    assert len(rest) < 4 or int.from_bytes(rest[:4], "big") <= MAX_SEGMENT_BYTES


_WAYS: tuple[Callable[[bytes], None], ...] = (
    raw_file,
    raw_segments,
    changed_file,
    settings_payload,
    member_payload,
    manifest,
    segments,
    one_agent,
    each_agent,
)


def _refused(act: Callable[[], object]) -> bool:
    """Whether it raised what it may; everything else escapes."""
    try:
        act()
    except SealError:
        return True
    return False


def _document(good: SealedSet, entries: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of the good settings, with other entries in the manifest."""
    payload = json.loads(
        unseal(good.path(names.SETTINGS).read_bytes(), names.SETTINGS, IDENTITY).decode()
    )
    payload["manifest"] |= entries
    assert isinstance(payload, dict)
    return payload


def _vouching_for(name: str, sealed: bytes) -> SealedSet:
    """A set whose settings vouch for one file."""
    good = sealed_files()
    entry = {"size": len(sealed), "hmac_sha256": file_hmac(sealed, IDENTITY, INSTANCE)}
    payload = _document(good, {name: entry})
    settings = seal(json.dumps(payload).encode(), names.SETTINGS, IDENTITY, nonce=_NONCE)
    return open_set(_folder({names.SETTINGS: settings, name: sealed}), IDENTITY)


def _folder(files: Mapping[str, bytes]) -> Path:
    """A folder with these files, the owner's alone."""
    folder = scratch() / "opened"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in names.SEALED:
        (folder / name).unlink(missing_ok=True)
    for name, contents in files.items():
        fd = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(fd, contents)
        finally:
            os.close(fd)
    return folder
