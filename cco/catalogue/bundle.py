"""The catalogue inside the frozen program: sealed under the build secret, so that looking into
the binary shows no brief."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from cco.catalogue.model import Catalogue, from_document, to_document
from cco.catalogue.search import SearchIndex
from cco.errors import CatalogueInvalid

FILE_NAME = "cco-catalogue.sealed"
_NONCE_BYTES = 16
_AAD = b"cco-catalogue-v1"


@dataclass(frozen=True)
class Shipped:
    """What this program ships: the catalogue, and its search index where that is ready-made."""

    catalogue: Catalogue
    index: str | None = field(default=None, repr=False)
    """A SearchIndex document as JSON; it is parsed only by those who search."""


def load_catalogue() -> Catalogue:
    """Load the catalogue that this program ships.

    Raises: CatalogueInvalid.
    """
    return load_shipped().catalogue


def load_shipped() -> Shipped:
    """Load what this program ships: sealed when frozen, Markdown in a checkout.

    Raises: CatalogueInvalid.
    """
    if not getattr(sys, "frozen", False):
        from cco.catalogue.markdown import load_markdown

        return Shipped(load_markdown())
    from cco import build_info

    path = Path(getattr(sys, "_MEIPASS", "")) / FILE_NAME
    try:
        bundle = path.read_bytes()
    except OSError as error:
        raise CatalogueInvalid(f"{path} cannot be read: {error.strerror}") from None
    return open_bundle(bundle, build_info.current().secret)


def seal_bundle(build_secret: bytes, catalogue: Catalogue | None = None) -> bytes:
    """Seal a catalogue (this checkout's unless given) for the frozen program.

    The nonce is derived from key and contents, so that equal builds are byte-identical; a key
    never meets one nonce with two contents.

    Shapes: -> nonce 16 bytes, ciphertext of zlib-packed JSON, tag 16 bytes.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if catalogue is None:
        from cco.catalogue.markdown import load_markdown

        catalogue = load_markdown()
    index = SearchIndex.of(catalogue.agents).to_document()
    contents = {**to_document(catalogue), "index": json.dumps(index, ensure_ascii=False)}
    document = zlib.compress(
        json.dumps(contents, ensure_ascii=False, sort_keys=True).encode(), zlib.Z_BEST_COMPRESSION
    )
    digest = hmac.new(_key(build_secret, b"nonce"), document, hashlib.sha256).digest()
    nonce = digest[:_NONCE_BYTES]
    return nonce + AESGCM(_key(build_secret, b"contents")).encrypt(nonce, document, _AAD)


def open_bundle(bundle: bytes, build_secret: bytes) -> Shipped:
    """Open what `seal_bundle` made.

    Raises: CatalogueInvalid.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, body = bundle[:_NONCE_BYTES], bundle[_NONCE_BYTES:]
    try:
        packed = AESGCM(_key(build_secret, b"contents")).decrypt(nonce, body, _AAD)
        document = json.loads(zlib.decompress(packed))
        return Shipped(from_document(document), str(document["index"]))
    except (InvalidTag, ValueError, KeyError, zlib.error):
        raise CatalogueInvalid(
            "the catalogue inside this program is damaged",
            advice="Download cco again and compare its checksum.",
        ) from None


def _key(build_secret: bytes, purpose: bytes) -> bytes:
    from cco.sealing.keys import hkdf_sha256

    return hkdf_sha256(build_secret, salt=b"", info=b"cco/catalogue/v1/" + purpose)
