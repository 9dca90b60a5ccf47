"""Whatever is done to a sealed file, it is refused by the error made for it, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cco.catalogue.model import COMPACTION_TEXTS
from cco.errors import (
    SealedFileChanged,
    SealedFileForeign,
    SealedFileMissing,
    SealedFileReplayed,
    SealedFileSwapped,
    SealedFileTruncated,
    SealedPayloadInvalid,
    SealError,
)
from cco.sealing import names
from cco.sealing.envelope import seal, unseal
from cco.sealing.keys import Identity
from cco.sealing.sealed_set import open_set
from tests.unit.test_sealing_files import private
from tests.vectors import drawn
from tests.vectors.generate import EARLIER_INSTANCE, INSTANCE, sealed_set

IDENTITY = Identity("machine", "user", b"secret")
PROPERTY = settings(database=None, deadline=None)
MEMBER_NAMES = st.sampled_from(names.MEMBERS)


def contents(files: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: bytes.fromhex(entry["sealed"]) for name, entry in files.items()}


FILES = contents(sealed_set(identity=IDENTITY))
EARLIER = contents(sealed_set(EARLIER_INSTANCE, IDENTITY))


def open_all(
    changed: Mapping[str, bytes | None], opened: str, identity: Identity = IDENTITY
) -> dict[str, Any] | None:
    """Open one file of the set on disk, with some files changed and some missing."""
    with TemporaryDirectory() as folder:
        for name, data in {**FILES, **changed}.items():
            if data is not None:
                private(Path(folder, name), data)
        found = open_set(Path(folder), identity)
        return None if opened == names.SETTINGS else found.open_member(opened)


@contextmanager
def refused(*kinds: type[SealError]) -> Iterator[None]:
    """Expect just one of these errors; a subclass or a parent is not the same."""
    with pytest.raises(SealError) as caught:
        yield
    assert type(caught.value) in kinds


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# One file


@PROPERTY
@given(drawn.PLAINTEXTS, drawn.NAMES, drawn.IDENTITIES)
def test_round_trip(plaintext: bytes, name: str, identity: Identity) -> None:
    sealed = seal(plaintext, name, identity)
    assert len(sealed) == len(plaintext) + 32
    assert unseal(sealed, name, identity) == plaintext
    assert sealed != seal(plaintext, name, identity)
    assert len(plaintext) < 8 or plaintext not in sealed


@pytest.mark.parametrize("plaintext", [b"", b"0123456789abcdefX"])
def test_every_single_bit_counts(plaintext: bytes) -> None:
    sealed = seal(plaintext, names.RULES, IDENTITY)
    for bit in range(8 * len(sealed)):
        with refused(SealedFileForeign):
            unseal(flipped(sealed, bit), names.RULES, IDENTITY)


@PROPERTY
@given(drawn.PLAINTEXTS, drawn.NAMES, drawn.IDENTITIES, st.data())
def test_flipped_cut_or_longer(
    plaintext: bytes, name: str, identity: Identity, data: st.DataObject
) -> None:
    sealed = seal(plaintext, name, identity)
    with refused(SealedFileForeign):
        unseal(flipped(sealed, data.draw(st.integers(0, 8 * len(sealed) - 1))), name, identity)
    size = data.draw(st.integers(0, len(sealed) - 1))
    with refused(SealedFileTruncated if size < 32 else SealedFileForeign):
        unseal(sealed[:size], name, identity)
    with refused(SealedFileForeign):
        unseal(sealed + data.draw(st.binary(min_size=1, max_size=50)), name, identity)


@PROPERTY
@given(st.binary(max_size=100), drawn.NAMES)
def test_arbitrary_bytes(data: bytes, name: str) -> None:
    with refused(SealedFileTruncated if len(data) < 32 else SealedFileForeign):
        unseal(data, name, IDENTITY)


@pytest.mark.parametrize("name", names.SEALED)
@pytest.mark.parametrize("other", names.SEALED)
def test_swapped_names(name: str, other: str) -> None:
    sealed = seal(b"contents", name, IDENTITY)
    if name == other:
        assert unseal(sealed, other, IDENTITY) == b"contents"
    else:
        with refused(SealedFileSwapped):
            unseal(sealed, other, IDENTITY)


@PROPERTY
@given(drawn.IDENTITIES, drawn.IDENTITIES, drawn.NAMES)
def test_other_identity(identity: Identity, other: Identity, name: str) -> None:
    assume(identity != other)
    sealed = seal(b"contents", name, identity)
    for opener in (
        other,
        Identity(other.machine_id, identity.username, identity.build_secret),
        Identity(identity.machine_id, other.username, identity.build_secret),
        Identity(identity.machine_id, identity.username, other.build_secret),
    ):
        if opener != identity:
            with refused(SealedFileForeign):
                unseal(sealed, name, opener)


def parts(whole: str, first: int, second: int) -> Identity:
    """Cut a text into the three parts of an identity."""
    first, second = sorted((first % (len(whole) + 1), second % (len(whole) + 1)))
    return Identity(whole[:first], whole[first:second], whole[second:].encode())


@PROPERTY
@given(drawn.TEXT, st.tuples(*[st.integers(0, 40)] * 4))
def test_boundaries_between_the_parts_count(whole: str, cuts: tuple[int, int, int, int]) -> None:
    one, other = parts(whole, *cuts[:2]), parts(whole, *cuts[2:])
    assume(one != other)
    assert one.ikm != other.ikm
    with refused(SealedFileForeign):
        unseal(seal(b"contents", names.RULES, one), names.RULES, other)


def test_usernames_are_bytes_not_looks() -> None:
    composed, decomposed = Identity("m", "\u00e9", b"s"), Identity("m", "e\u0301", b"s")
    with refused(SealedFileForeign):
        unseal(seal(b"", names.RULES, composed), names.RULES, decomposed)


def test_a_username_that_is_not_utf8_is_taken_byte_for_byte() -> None:
    latin = Identity("m", "jos\udce9", b"s")
    assert latin.ikm == b"\0\0\0\1m\0\0\0\4jos\xe9\0\0\0\1s"


# The set


def test_the_set_opens() -> None:
    assert open_all({}, names.SETTINGS) is None
    for name in names.MEMBERS:
        payload = open_all({}, name)
        assert payload is not None
        assert payload["instance"] == INSTANCE.hex()


@PROPERTY
@given(MEMBER_NAMES, st.data())
def test_changed_member(name: str, data: st.DataObject) -> None:
    sealed = FILES[name]
    with refused(SealedFileChanged):
        bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
        open_all({name: flipped(sealed, bit)}, name)
    with refused(SealedFileTruncated):
        open_all({name: sealed[: data.draw(st.integers(0, len(sealed) - 1))]}, name)
    with refused(SealedFileChanged):
        open_all({name: sealed + data.draw(st.binary(min_size=1, max_size=50))}, name)


@PROPERTY
@given(st.data())
def test_changed_settings(data: st.DataObject) -> None:
    sealed = FILES[names.SETTINGS]
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    size = data.draw(st.integers(0, len(sealed) - 1))
    for changed, kind in (
        (flipped(sealed, bit), SealedFileForeign),
        (sealed[:size], SealedFileTruncated if size < 32 else SealedFileForeign),
        (sealed + data.draw(st.binary(min_size=1, max_size=50)), SealedFileForeign),
    ):
        with refused(kind):
            open_all({names.SETTINGS: changed}, names.SETTINGS)


@PROPERTY
@given(MEMBER_NAMES, st.binary(max_size=2000))
def test_arbitrary_member(name: str, data: bytes) -> None:
    with refused(SealedFileTruncated if len(data) < len(FILES[name]) else SealedFileChanged):
        open_all({name: data}, name)


@pytest.mark.parametrize("name", names.SEALED)
@pytest.mark.parametrize("source", [FILES, EARLIER], ids=["same run", "earlier run"])
def test_member_under_another_name(name: str, source: dict[str, bytes]) -> None:
    for other in names.SEALED:
        if other != name:
            with refused(SealedFileSwapped):
                open_all({name: source[other]}, name)


@pytest.mark.parametrize("name", names.MEMBERS)
def test_member_of_an_earlier_run(name: str) -> None:
    assert unseal(EARLIER[name], name, IDENTITY)  # it decrypts, and yet
    with refused(SealedFileReplayed):
        open_all({name: EARLIER[name]}, name)


@pytest.mark.parametrize("name", names.MEMBERS)
def test_settings_of_an_earlier_run(name: str) -> None:
    with refused(SealedFileReplayed):
        open_all({names.SETTINGS: EARLIER[names.SETTINGS]}, name)


@pytest.mark.parametrize("name", names.MEMBERS)
def test_member_sealed_again(name: str) -> None:
    plaintext = unseal(FILES[name], name, IDENTITY)
    with refused(SealedFileChanged):
        open_all({name: seal(plaintext, name, IDENTITY)}, name)


@pytest.mark.parametrize("name", names.SEALED)
def test_missing(name: str) -> None:
    with refused(SealedFileMissing):
        open_all({name: None}, name)


@pytest.mark.parametrize(
    "other",
    [
        Identity("Machine", "user", b"secret"),
        Identity("machine", "user2", b"secret"),
        Identity("machine", "user", b"Secret"),
        Identity("machineu", "ser", b"secret"),
        Identity("machine", "users", b"ecret"),
    ],
    ids=["machine", "user", "secret", "machine and user shifted", "user and secret shifted"],
)
def test_set_of_another_identity(other: Identity) -> None:
    with refused(SealedFileForeign):
        open_all({}, names.SETTINGS, other)
    foreign = contents(sealed_set(identity=other))
    for name in names.MEMBERS:
        kind = SealedFileTruncated if len(foreign[name]) < len(FILES[name]) else SealedFileChanged
        with refused(kind):
            open_all({name: foreign[name]}, name)


# Payloads and manifest, sealed with the right keys


def open_sealed(
    opened: str, *, payloads: Mapping[str, Any] = {}, manifest: Mapping[str, Any] = {}
) -> dict[str, Any] | None:
    """Open one file of a set that was sealed with other payloads or manifest entries."""
    files = sealed_set(identity=IDENTITY, payloads=payloads, manifest=manifest)
    return open_all(contents(files), opened)


@PROPERTY
@given(st.binary(max_size=60), drawn.NAMES)
def test_payload_of_arbitrary_bytes(plaintext: bytes, name: str) -> None:
    with refused(SealedPayloadInvalid):
        open_sealed(name, payloads={name: plaintext})


@PROPERTY
@given(drawn.JSON_VALUES, drawn.NAMES)
def test_payload_of_arbitrary_json(value: Any, name: str) -> None:
    with refused(SealedPayloadInvalid):
        open_sealed(name, payloads={name: json.dumps(value).encode()})


TYPES: dict[str, type] = {
    "format": int,
    "instance": str,
    "api_url": str,
    "port": int,
    "pid": int,
    "token": str,
    "version": str,
    "created_at": str,
    "manifest": dict,
    "roster": list,
    "policy": dict,
}


@PROPERTY
@given(st.sampled_from(sorted(TYPES)), drawn.JSON_VALUES)
def test_settings_with_a_field_of_another_type(name: str, value: Any) -> None:
    assume(type(value) is not TYPES[name])
    with refused(SealedPayloadInvalid):
        open_sealed(names.SETTINGS, payloads={names.SETTINGS: {name: value}})


@PROPERTY
@given(st.text("0123456789abcdefABCDEF \n", max_size=40))
def test_settings_with_an_odd_instance(value: str) -> None:
    assume(len(value) != 32 or not set(value) <= set("0123456789abcdef"))
    with refused(SealedPayloadInvalid):
        open_sealed(names.SETTINGS, payloads={names.SETTINGS: {"instance": value}})


@PROPERTY
@given(st.integers().filter(lambda port: not 1 <= port <= 65535))
def test_settings_with_an_impossible_port(port: int) -> None:
    with refused(SealedPayloadInvalid):
        open_sealed(names.SETTINGS, payloads={names.SETTINGS: {"port": port}})


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        (names.RULES, "rules", str),
        (names.HOOKS, "pre_compact", str),
        (names.HOOKS, "post_compact", str),
        (names.HOOKS, "agent_pre_compact", str),
        (names.HOOKS, "agent_post_compact", str),
        (names.AGENTS, "agents", list),
    ],
)
@PROPERTY
@given(drawn.JSON_VALUES)
def test_member_with_a_field_of_another_type(name: str, key: str, kind: type, value: Any) -> None:
    assume(type(value) is not kind)
    payload = {"format": 1, "instance": INSTANCE.hex(), **dict.fromkeys(COMPACTION_TEXTS, "")}
    with refused(SealedPayloadInvalid):
        open_sealed(name, payloads={name: {**payload, key: value}})


@PROPERTY
@given(st.lists(drawn.JSON_VALUES, min_size=1, max_size=3))
def test_agents_that_are_none(values: list[Any]) -> None:
    payload = {"format": 1, "instance": INSTANCE.hex(), "agents": values}
    with refused(SealedPayloadInvalid):
        open_sealed(names.AGENTS, payloads={names.AGENTS: payload})


@PROPERTY
@given(MEMBER_NAMES, drawn.JSON_VALUES)
def test_manifest_entry_of_arbitrary_json(name: str, entry: Any) -> None:
    with refused(SealedPayloadInvalid):
        open_sealed(name, manifest={name: entry})


@pytest.mark.parametrize("name", names.MEMBERS)
def test_manifest_without_the_entry(name: str) -> None:
    with refused(SealedPayloadInvalid):
        open_sealed(name, manifest={name: None})


@PROPERTY
@given(MEMBER_NAMES, st.text("0123456789abcdef", min_size=64, max_size=64), st.integers())
def test_manifest_with_another_hmac(name: str, hmac: str, size: int) -> None:
    with refused(SealedFileChanged):
        open_sealed(name, manifest={name: {"size": size, "hmac_sha256": hmac}})


@PROPERTY
@given(MEMBER_NAMES, drawn.JSON_VALUES)
def test_manifest_with_an_hmac_that_is_none(name: str, hmac: Any) -> None:
    entry = {"size": len(FILES[name]), "hmac_sha256": hmac}
    with refused(SealedPayloadInvalid):
        open_sealed(name, manifest={name: entry})


def test_fields_that_a_reader_does_not_know_are_ignored() -> None:
    rules = {"format": 1, "instance": INSTANCE.hex(), "rules": "r", "more": {"a": [1]}}
    given = {names.RULES: rules, names.SETTINGS: {"more": None}}
    assert open_sealed(names.RULES, payloads=given) == rules
