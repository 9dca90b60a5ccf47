"""The known answers, from both implementations; and each opens what the other sealed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cco.build_info import parse_build_secret
from cco.errors import BuildSecretInvalid, SealError
from cco.sealing import names
from cco.sealing.envelope import associated_data, seal, unseal
from cco.sealing.keys import Identity, file_key, hkdf_sha256, manifest_key
from cco.sealing.sealed_set import file_hmac, open_set
from tests.unit.test_sealing_files import private
from tests.vectors import drawn, generate
from tests.vectors.second import identity_document, needs_node, run, run_cases

ANSWERS: dict[str, Any] = json.loads(generate.PATH.read_bytes())
SPECIFICATION = Path(__file__).parents[2] / "docs" / "sealing.md"


def identity(label: str) -> Identity:
    entry = ANSWERS["identities"][label]
    secret = bytes.fromhex(entry["build_secret"])
    return Identity(entry["machine_id"], entry["username"], secret)


def put(folder: Path, files: dict[str, str]) -> None:
    for name, sealed in files.items():
        private(folder / name, bytes.fromhex(sealed))


def open_one(folder: Path, who: Identity, name: str) -> None:
    opened = open_set(folder, who)
    if name != names.SETTINGS:
        opened.open_member(name)


@pytest.mark.parametrize(
    ("salt", "info", "okm"),
    [
        (
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
        ),
        ("", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"),
    ],
    ids=["A.1", "A.3"],
)
def test_hkdf_of_rfc_5869(salt: str, info: str, okm: str) -> None:
    """The first 32 bytes of appendix A's answers."""
    key = hkdf_sha256(b"\x0b" * 22, salt=bytes.fromhex(salt), info=bytes.fromhex(info))
    assert key.hex() == okm


def test_generate_writes_the_same_bytes() -> None:
    assert generate.text().encode() == generate.PATH.read_bytes()


def test_identities() -> None:
    for label, entry in ANSWERS["identities"].items():
        assert identity(label).ikm.hex() == entry["ikm"], label


def test_files() -> None:
    for answer in ANSWERS["files"]:
        who, name = identity(answer["identity"]), answer["file"]
        nonce, sealed = bytes.fromhex(answer["nonce"]), bytes.fromhex(answer["sealed"])
        plaintext = bytes.fromhex(answer["plaintext"]["unit"]) * answer["plaintext"]["times"]
        assert associated_data(name).hex() == answer["aad"]
        assert file_key(who, name, nonce).hex() == answer["key"]
        assert seal(plaintext, name, who, nonce=nonce) == sealed
        assert unseal(sealed, name, who) == plaintext


def test_hmacs() -> None:
    for answer in ANSWERS["hmacs"]:
        who, instance = identity(answer["identity"]), bytes.fromhex(answer["instance"])
        assert manifest_key(who, instance).hex() == answer["key"]
        assert file_hmac(bytes.fromhex(answer["sealed"]), who, instance) == answer["hmac"]


def test_set(tmp_path: Path) -> None:
    files = ANSWERS["set"]["files"]
    put(tmp_path, {name: entry["sealed"] for name, entry in files.items()})
    opened = open_set(tmp_path, identity(ANSWERS["set"]["identity"]))
    assert opened.settings.instance == ANSWERS["set"]["instance"]
    payload = dict(files[names.SETTINGS]["payload"])
    assert payload.pop("format") == 1
    assert opened.settings._asdict() == payload
    for name in names.MEMBERS:
        assert opened.open_member(name) == files[name]["payload"]


@pytest.mark.parametrize("answer", ANSWERS["refusals"], ids=lambda answer: answer["what"])
def test_refusals(answer: dict[str, Any], tmp_path: Path) -> None:
    files = {name: entry["sealed"] for name, entry in ANSWERS["set"]["files"].items()}
    put(tmp_path, files | answer["replace"])
    who = identity(answer.get("identity", ANSWERS["set"]["identity"]))
    with pytest.raises(SealError) as caught:
        open_one(tmp_path, who, answer["open"])
    assert type(caught.value).__name__ == answer["error"]


@pytest.mark.parametrize("answer", ANSWERS["build_secrets"], ids=lambda answer: answer["what"])
def test_build_secrets(answer: dict[str, Any]) -> None:
    if answer["secret"] is None:
        with pytest.raises(BuildSecretInvalid):
            parse_build_secret(answer["text"])
    else:
        assert parse_build_secret(answer["text"]).hex() == answer["secret"]


def test_the_specification_has_the_worked_example() -> None:
    text = SPECIFICATION.read_text(encoding="utf-8")
    example = "worked example"
    digits = "".join(char for char in text if char in "0123456789abcdef")
    assert identity(example).ikm.hex() in digits
    salt = generate.EXAMPLE_SALT.hex()
    keys = {a["info"]: a["key"] for a in ANSWERS["files"] if a["nonce"] == salt}
    assert len(keys) == 4
    for answer in ANSWERS["hmacs"]:
        if (answer["identity"], answer["instance"]) == (example, salt):
            keys["cco/manifest/v1"] = answer["key"]
    for info, key in keys.items():
        assert f"| `{info}` | `{key}` |" in text


@needs_node
def test_node_verifies_all() -> None:
    code, counts, errors = run("verify", generate.PATH)
    assert code == 0, errors
    flipped = counts.pop("flipped_bits")
    assert counts == {key: len(ANSWERS[key]) for key in counts}
    assert set(counts) == set(ANSWERS) - {"specification", "set"}
    assert flipped > 10_000


@needs_node
def test_node_notices_a_wrong_answer(tmp_path: Path) -> None:
    wrong = json.loads(generate.PATH.read_bytes())
    sealed = bytearray.fromhex(wrong["files"][-2]["sealed"])
    sealed[-1] ^= 1
    wrong["files"][-2]["sealed"] = sealed.hex()
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(wrong))
    code, printed, errors = run("verify", path)
    assert (code, printed) == (1, None)
    assert "AssertionError" in errors


CASES = st.tuples(drawn.IDENTITIES, drawn.NAMES, drawn.NONCES, drawn.PLAINTEXTS)
FEW = settings(max_examples=4, database=None, deadline=None)
"""Each example is a batch, and costs a start of Node."""


@needs_node
@FEW
@given(st.lists(CASES, min_size=10, max_size=40))
def test_python_opens_what_node_seals(cases: list[tuple[Identity, str, bytes, bytes]]) -> None:
    given_nonce = [
        {
            "identity": identity_document(who),
            "file": name,
            "nonce": nonce.hex(),
            "plaintext": plaintext.hex(),
        }
        for who, name, nonce, plaintext in cases
    ]
    own_nonce = [{k: v for k, v in case.items() if k != "nonce"} for case in given_nonce]
    results = run_cases("seal", given_nonce + own_nonce)
    sealed = [bytes.fromhex(result["sealed"]) for result in results]
    for (who, name, nonce, plaintext), same, own in zip(
        cases, sealed[: len(cases)], sealed[len(cases) :], strict=True
    ):
        assert same == seal(plaintext, name, who, nonce=nonce)
        assert unseal(own, name, who) == plaintext
    assert len({own[:16] for own in sealed[len(cases) :]}) == len(cases)


DAMAGES = st.sampled_from(["none", "flip", "cut", "grow", "rename", "user"])


@needs_node
@FEW
@given(st.lists(st.tuples(CASES, DAMAGES, st.integers(0)), min_size=10, max_size=60))
def test_both_say_the_same_of_every_file(
    cases: list[tuple[tuple[Identity, str, bytes, bytes], str, int]],
) -> None:
    asked, expected = [], []
    for (who, name, nonce, plaintext), damage, number in cases:
        sealed = bytearray(seal(plaintext, name, who, nonce=nonce))
        opener, opened_name = who, name
        if damage == "flip":
            bit = number % (8 * len(sealed))
            sealed[bit // 8] ^= 1 << bit % 8
        elif damage == "cut":
            del sealed[number % len(sealed) :]
        elif damage == "grow":
            sealed += bytes(1 + number % 40)
        elif damage == "rename":
            opened_name = names.SEALED[number % 4]
        elif damage == "user":
            opener = Identity(who.machine_id, who.username + "a", who.build_secret)
        try:
            answer = {"plaintext": unseal(bytes(sealed), opened_name, opener).hex()}
        except SealError as error:
            answer = {"error": type(error).__name__}
        expected.append(answer)
        asked.append(
            {
                "identity": identity_document(opener),
                "file": opened_name,
                "sealed": sealed.hex(),
            }
        )
    assert run_cases("open", asked) == expected


@needs_node
def test_node_opens_a_large_file() -> None:
    who, plaintext = identity("long parts"), os.urandom(70 * 1024)
    sealed = seal(plaintext, names.AGENTS, who)
    case = {"identity": identity_document(who), "file": names.AGENTS, "sealed": sealed.hex()}
    assert run_cases("open", [case]) == [{"plaintext": plaintext.hex()}]
