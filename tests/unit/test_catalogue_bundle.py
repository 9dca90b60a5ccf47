"""The catalogue inside the frozen program: sealed, reproducible, and refused when damaged."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cco.build_info import DEVELOPMENT_SECRET, parse_build_secret
from cco.catalogue.bundle import load_catalogue, open_bundle, seal_bundle
from cco.catalogue.markdown import load_markdown
from cco.catalogue.model import TEXTS, Agent, Catalogue
from cco.catalogue.search import SearchIndex
from cco.errors import BuildSecretInvalid, CatalogueInvalid

SECRET = bytes(range(32))
AGENT = Agent("a-b", "Does something", "opus", ("Read",), ("key", "Ωλ"), "The brief.\n")
SMALL = Catalogue((AGENT,), **{name: f"The {name}: $state" for name in TEXTS})
PROPERTY = settings(database=None, deadline=None)


def test_round_trip_of_this_checkout() -> None:
    catalogue = load_catalogue()
    assert catalogue == load_markdown()
    shipped = open_bundle(seal_bundle(SECRET), SECRET)
    assert shipped.catalogue == catalogue
    assert shipped.index is not None
    ready_made = SearchIndex.from_document(json.loads(shipped.index))
    computed = SearchIndex.of(catalogue.agents)
    for text in ("the borrow checker complains", "a slow query", "screen reader skips the button"):
        assert ready_made.search(text) == computed.search(text) != []


def test_round_trip_of_a_small_one() -> None:
    assert open_bundle(seal_bundle(SECRET, SMALL), SECRET).catalogue == SMALL


def test_equal_builds_are_equal() -> None:
    assert seal_bundle(SECRET) == seal_bundle(SECRET)


def test_nonce_depends_on_contents_and_secret() -> None:
    other = replace(SMALL, rules="Other rules.")
    bundles = [
        seal_bundle(secret, catalogue)
        for secret in (SECRET, DEVELOPMENT_SECRET)
        for catalogue in (SMALL, other)
    ]
    assert len({bundle[:16] for bundle in bundles}) == 4


def test_nothing_can_be_read_in_it() -> None:
    catalogue, bundle = load_catalogue(), seal_bundle(DEVELOPMENT_SECRET)
    texts = [getattr(catalogue, name) for name in TEXTS]
    texts += [agent.brief for agent in catalogue.agents]
    texts += [agent.description for agent in catalogue.agents]
    words = {word for text in texts for word in re.findall("[a-z]{8,}", text)}
    assert len(words) > 1000
    legible = re.findall(rb"[a-z]{8,}", bundle)
    assert not [run for run in legible if any(word.encode() in run for word in words)]


@PROPERTY
@given(st.data())
def test_damaged(data: st.DataObject) -> None:
    bundle = seal_bundle(SECRET, SMALL)
    changed = bytearray(bundle)
    changed[data.draw(st.integers(0, len(bundle) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    size = data.draw(st.integers(0, len(bundle) - 1))
    longer = bundle + data.draw(st.binary(min_size=1, max_size=40))
    for damaged in (bytes(changed), bundle[:size], longer):
        with pytest.raises(CatalogueInvalid):
            open_bundle(damaged, SECRET)


@PROPERTY
@given(st.binary(max_size=200))
def test_arbitrary_bytes(bundle: bytes) -> None:
    with pytest.raises(CatalogueInvalid):
        open_bundle(bundle, SECRET)


@pytest.mark.parametrize("other", [b"", SECRET[:-1], SECRET + b"\0", DEVELOPMENT_SECRET])
def test_another_secret(other: bytes) -> None:
    with pytest.raises(CatalogueInvalid):
        open_bundle(seal_bundle(SECRET, SMALL), other)


# tests/vectors/sealing.json has the answers on which other implementations agree

HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        HEX.upper(),
        f"  {HEX[:32]}\n{HEX[32:]}\n",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "AAECAwQFBgcICQoLDA0ODx\nAREhMUFRYXGBkaGxwdHh8=\n",
    ],
)
def test_build_secret(text: str) -> None:
    assert parse_build_secret(text) == SECRET


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0 bytes"),
        (HEX[2:], "31 bytes"),
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg", "31 bytes"),
        ("00" * 32, "pattern"),
        ("0123" * 32, "pattern"),
        ("cco-development-build-secret", "bytes|neither"),
        ("not a secret at all, but a sentence!", "neither"),
        ("é" * 64, "neither"),
    ],
)
def test_build_secret_that_is_none(text: str, why: str) -> None:
    with pytest.raises(BuildSecretInvalid, match=why) as caught:
        parse_build_secret(text)
    assert not text or text not in str(caught.value)


@PROPERTY
@given(st.text(max_size=100))
def test_build_secret_of_arbitrary_text(text: str) -> None:
    try:
        secret = parse_build_secret(text)
    except BuildSecretInvalid:
        return
    assert len(secret) >= 32
