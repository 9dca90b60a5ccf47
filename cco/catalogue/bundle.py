"""The catalogue inside the frozen program: sealed under the build secret, so that looking into
the binary shows no brief."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from pathlib import Path

from cco.catalogue.model import Catalogue, from_document, to_document
from cco.errors import CatalogueInvalid

FILE_NAME = "cco-catalogue.sealed"
_NONCE_BYTES = 16
_AAD = b"cco-catalogue-v1"


def load_catalogue() -> Catalogue:
    """Load the catalogue that this program ships: sealed when frozen, Markdown in a checkout.

    Raises: CatalogueInvalid.
    """
    if not getattr(sys, "frozen", False):
        from cco.catalogue.markdown import load_markdown

        return load_markdown()
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

    Shapes: -> nonce 16 bytes, ciphertext, tag 16 bytes.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if catalogue is None:
        from cco.catalogue.markdown import load_markdown

        catalogue = load_markdown()
    document = json.dumps(to_document(catalogue), ensure_ascii=False, sort_keys=True).encode()
    digest = hmac.new(_key(build_secret, b"nonce"), document, hashlib.sha256).digest()
    nonce = digest[:_NONCE_BYTES]
    return nonce + AESGCM(_key(build_secret, b"contents")).encrypt(nonce, document, _AAD)


def open_bundle(bundle: bytes, build_secret: bytes) -> Catalogue:
    """Open what `seal_bundle` made.

    Raises: CatalogueInvalid.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, body = bundle[:_NONCE_BYTES], bundle[_NONCE_BYTES:]
    try:
        document = AESGCM(_key(build_secret, b"contents")).decrypt(nonce, body, _AAD)
        return from_document(json.loads(document))
    except (InvalidTag, ValueError):
        raise CatalogueInvalid(
            "the catalogue inside this program is damaged",
            advice="Download cco again and compare its checksum.",
        ) from None


def _key(build_secret: bytes, purpose: bytes) -> bytes:
    from cco.sealing.keys import hkdf_sha256

    return hkdf_sha256(build_secret, salt=b"", info=b"cco/catalogue/v1/" + purpose)
