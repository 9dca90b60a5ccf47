"""Write sealing.json, the known answers for docs/sealing.md, from cco.sealing.

    python tests/vectors/generate.py [FILE]

Everything in it is fixed: identities, nonces, instances and plaintexts are given here, so that
each run writes the same bytes. The refusals say what must happen, not what happened.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cco.build_info import DEVELOPMENT_SECRET
from cco.sealing.envelope import associated_data, seal
from cco.sealing.keys import Identity, file_key, manifest_key
from cco.sealing.names import AGENTS, HOOKS, MEMBERS, RULES, SEALED, SETTINGS
from cco.sealing.sealed_set import file_hmac

PATH = Path(__file__).with_name("sealing.json")
EXAMPLE_SALT = bytes(range(16))
SET_IDENTITY = "non-ASCII username"
Json = dict[str, Any]


def fixed_bytes(label: str, length: int = 16) -> bytes:
    """Bytes that look random and are always the same."""
    return hashlib.shake_256(f"cco vectors: {label}".encode()).digest(length)


INSTANCE = fixed_bytes("instance")
EARLIER_INSTANCE = fixed_bytes("earlier instance")
SECRET = fixed_bytes("secret", 32)
SET_MACHINE_ID = "6F1A2B3C-4D5E-6F70-8192-A3B4C5D6E7F8"
IDENTITIES = {
    "worked example": Identity("0123456789abcdef0123456789abcdef", "ana", DEVELOPMENT_SECRET),
    "no account name": Identity(fixed_bytes("id", 32).hex(), "uid-100123", SECRET),
    SET_IDENTITY: Identity(SET_MACHINE_ID, "zoë Ωλ 名前 🦊", SECRET),
    "another machine": Identity(SET_MACHINE_ID.lower(), "zoë Ωλ 名前 🦊", SECRET),
    "another user": Identity(SET_MACHINE_ID, "zoë Ωλ 名前", SECRET),
    "another build": Identity(SET_MACHINE_ID, "zoë Ωλ 名前 🦊", fixed_bytes("other", 32)),
    "composed": Identity("0123456789abcdef0123456789abcdef", "zo\u00eb", SECRET),
    "decomposed": Identity("0123456789abcdef0123456789abcdef", "zoe\u0308", SECRET),
    "boundary": Identity("ab", "c", b"defg" + SECRET),
    "boundary shifted": Identity("a", "bc", b"defg" + SECRET),
    "boundary shifted again": Identity("ab", "cdefg", SECRET),
    "long parts": Identity("m" * 257, "u" * 256, fixed_bytes("long secret", 1000)),
    "zeros and ones": Identity("0", "0", bytes(16) + b"\xff" * 16 + bytes(range(1, 7))),
}


def document() -> Json:
    """Make the known answers."""
    files = sealed_set()
    return {
        "specification": "docs/sealing.md, version 1",
        "identities": {label: _identity(identity) for label, identity in IDENTITIES.items()},
        "files": _files(),
        "hmacs": _hmacs(),
        "set": {"identity": SET_IDENTITY, "instance": INSTANCE.hex(), "files": files},
        "refusals": _refusals(files),
        "build_secrets": _build_secrets(),
    }


def text() -> str:
    """The contents of sealing.json."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


def _identity(identity: Identity) -> Json:
    return {
        "machine_id": identity.machine_id,
        "username": identity.username,
        "build_secret": identity.build_secret.hex(),
        "ikm": identity.ikm.hex(),
    }


def _files() -> list[Json]:
    answers = [_file("worked example", name, EXAMPLE_SALT, b'{"format":1}') for name in SEALED]
    for label in IDENTITIES:
        for name in SEALED:
            nonce = fixed_bytes(f"{label}, {name}")
            answers.append(_file(label, name, nonce, f"{label}: {name}".encode()))
    for size in (0, 1, 15, 16, 17):
        plaintext = fixed_bytes("plaintext", size)
        answers.append(_file("worked example", RULES, fixed_bytes(f"{size} bytes"), plaintext))
    for nonce in (bytes(16), b"\xff" * 16):
        answers.append(_file("worked example", HOOKS, nonce, b"an extreme nonce"))
    unit = fixed_bytes("unit")
    large = _file("worked example", AGENTS, fixed_bytes("70 KiB"), unit, times=70 * 1024 // 16)
    return [*answers, large]


def _file(label: str, name: str, nonce: bytes, unit: bytes, *, times: int = 1) -> Json:
    identity = IDENTITIES[label]
    return {
        "identity": label,
        "file": name,
        "nonce": nonce.hex(),
        "plaintext": {"unit": unit.hex(), "times": times},
        "info": "cco/seal/v1/" + name[1:],
        "aad": associated_data(name).hex(),
        "key": file_key(identity, name, nonce).hex(),
        "sealed": seal(unit * times, name, identity, nonce=nonce).hex(),
    }


def _hmacs() -> list[Json]:
    return [
        {
            "identity": label,
            "instance": instance.hex(),
            "key": manifest_key(identity, instance).hex(),
            "sealed": sealed.hex(),
            "hmac": file_hmac(sealed, identity, instance),
        }
        for label, identity in IDENTITIES.items()
        for instance, sealed in (
            (EXAMPLE_SALT, b""),
            (fixed_bytes(f"instance, {label}"), fixed_bytes(f"sealed, {label}", 200)),
        )
    ]


def sealed_set(
    instance: bytes = INSTANCE,
    identity: Identity = IDENTITIES[SET_IDENTITY],
    *,
    payloads: Mapping[str, Any] = {},
    manifest: Mapping[str, Any] = {},
) -> Json:
    """Seal a whole set, with what is given in place of the usual payloads (or their bytes) and
    manifest entries; None leaves an entry out."""
    files: Json = {}
    entries: Json = {}
    for name in MEMBERS:
        files[name] = _sealed(name, payloads.get(name, _payload(name, instance)), identity)
        sealed = bytes.fromhex(files[name]["sealed"])
        hmac = file_hmac(sealed, identity, instance)
        entries[name] = {"size": len(sealed), "hmac_sha256": hmac}
    entries = {key: value for key, value in {**entries, **manifest}.items() if value is not None}
    settings = {**_payload(SETTINGS, instance), "manifest": entries}
    given = payloads.get(SETTINGS, {})
    settings = given if not isinstance(given, dict) else {**settings, **given}
    files[SETTINGS] = _sealed(SETTINGS, settings, identity)
    return {name: files[name] for name in SEALED}


def _sealed(name: str, payload: Any, identity: Identity) -> Json:
    if isinstance(payload, bytes):
        plaintext = payload
    else:
        plaintext = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    nonce = fixed_bytes(f"set, {name}, {plaintext.hex()}")
    return {
        "nonce": nonce.hex(),
        "payload": None if isinstance(payload, bytes) else payload,
        "plaintext": plaintext.hex(),
        "sealed": seal(plaintext, name, identity, nonce=nonce).hex(),
    }


def _payload(name: str, instance: bytes) -> Json:
    common: Json = {"format": 1, "instance": instance.hex()}
    public = {
        "name": "debugger",
        "description": "Finds the cause of a défaut",
        "model": "opus",
        "tools": ["Read", "Bash"],
    }
    fields: dict[str, Json] = {
        SETTINGS: {
            "api_url": "http://localhost:3000",
            "port": 3000,
            "pid": 4711,
            "token": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "version": "0.1.0",
            "created_at": "2025-01-02T03:04:05+00:00",
            "roster": [public],
            "policy": {
                "nudge": "Delegate.",
                "injection_limit_chars": 9500,
                "status_line": True,
            },
        },
        AGENTS: {"agents": [{**public, "keywords": ["bug"], "brief": "Reproduce it first.\n"}]},
        RULES: {"rules": "Delegate, then verify.\n"},
        HOOKS: {
            "pre_compact": "Keep: $state",
            "post_compact": "Where it stood: $state",
            "agent_pre_compact": "Keep of your task: $state",
            "agent_post_compact": "Where you stood: $state",
        },
    }
    return {**common, **fields[name]}


def _refusals(files: Json) -> list[Json]:
    return [*_changed_files(files), *_other_identities(), *_wrong_payloads(), *_wrong_manifests()]


def _refusal(
    what: str, opened: str, error: str, replace: Mapping[str, bytes | str], label: str | None = None
) -> Json:
    changed = {name: v.hex() if isinstance(v, bytes) else v for name, v in replace.items()}
    answer: Json = {"what": what, "open": opened, "error": error, "replace": changed}
    return answer if label is None else {**answer, "identity": label}


def _changed_files(files: Json) -> list[Json]:
    rules, settings = (bytes.fromhex(files[name]["sealed"]) for name in (RULES, SETTINGS))
    hooks, agents = files[HOOKS]["sealed"], files[AGENTS]["sealed"]
    identity = IDENTITIES[SET_IDENTITY]
    earlier = sealed_set(EARLIER_INSTANCE)
    resealed = seal(bytes.fromhex(files[RULES]["plaintext"]), RULES, identity, nonce=bytes(16))
    renamed = seal(bytes.fromhex(files[RULES]["plaintext"]), AGENTS, identity, nonce=bytes(16))
    not_json = seal(b"no JSON", RULES, identity, nonce=bytes(16))
    foreign = bytes.fromhex(sealed_set(identity=IDENTITIES["composed"])[RULES]["sealed"])
    return [
        _refusal(f"rules: {what}", RULES, error, {RULES: changed})
        for what, error, changed in (
            ("first bit flipped", "SealedFileChanged", _flipped(rules, 0)),
            ("last bit flipped", "SealedFileChanged", _flipped(rules, 8 * len(rules) - 1)),
            ("one byte short", "SealedFileTruncated", rules[:-1]),
            ("nonce and tag only", "SealedFileTruncated", rules[:16] + rules[-16:]),
            ("31 bytes", "SealedFileTruncated", rules[:31]),
            ("empty", "SealedFileTruncated", b""),
            ("one byte more", "SealedFileChanged", rules + b"\0"),
            ("the hooks", "SealedFileSwapped", hooks),
            ("the settings", "SealedFileSwapped", settings),
            ("sealed as the agents", "SealedFileSwapped", renamed),
            ("of an earlier run", "SealedFileReplayed", earlier[RULES]["sealed"]),
            ("the hooks of an earlier run", "SealedFileSwapped", earlier[HOOKS]["sealed"]),
            ("sealed again", "SealedFileChanged", resealed),
            ("sealed again without JSON", "SealedPayloadInvalid", not_json),
            ("of another user, longer", "SealedFileChanged", foreign + bytes(100)),
            ("of another user, shorter", "SealedFileTruncated", foreign[:-20]),
        )
    ] + [
        _refusal(f"settings: {what}", SETTINGS, error, {SETTINGS: changed})
        for what, error, changed in (
            ("a bit flipped", "SealedFileForeign", _flipped(settings, 200)),
            ("one byte short", "SealedFileForeign", settings[:-1]),
            ("31 bytes", "SealedFileTruncated", settings[:31]),
            ("one byte more", "SealedFileForeign", settings + b"\0"),
            ("the agents", "SealedFileSwapped", agents),
        )
    ]


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)


def _other_identities() -> list[Json]:
    pairs = (
        ("another machine", SET_IDENTITY, "another machine"),
        ("another user", SET_IDENTITY, "another user"),
        ("another build", SET_IDENTITY, "another build"),
        ("composed and decomposed username", "composed", "decomposed"),
        ("machine id and username shifted", "boundary", "boundary shifted"),
        ("username and secret shifted", "boundary", "boundary shifted again"),
    )
    refusals = []
    for what, sealed_for, opened_by in pairs:
        sealed = sealed_set(identity=IDENTITIES[sealed_for])[SETTINGS]["sealed"]
        refusals.append(
            _refusal(what, SETTINGS, "SealedFileForeign", {SETTINGS: sealed}, opened_by)
        )
    return refusals


def _wrong_payloads() -> list[Json]:
    refusals = []
    settings: list[tuple[str, Any]] = [
        ("not JSON", b"{"),
        ("empty", b""),
        ("an array", b"[1]"),
        ("null", b"null"),
        ("UTF-16", json.dumps(_payload(SETTINGS, INSTANCE)).encode("utf-16")),
        ("a byte order mark", b"\xef\xbb\xbf{}"),
        ("not UTF-8", b'{"format":1,"instance":"\xff"}'),
        ("deep", b"[" * 5_000),
        ("format 2", {"format": 2}),
        ("format true", {"format": True}),
        ("format in text", {"format": "1"}),
        ("no instance", {"instance": None}),
        ("instance not hex", {"instance": "g" * 32}),
        ("instance in upper case", {"instance": INSTANCE.hex().upper()}),
        ("instance too short", {"instance": INSTANCE.hex()[:30]}),
        ("instance and a newline", {"instance": INSTANCE.hex() + "\n"}),
        ("port in text", {"port": "3000"}),
        ("port 0", {"port": 0}),
        ("port 65536", {"port": 65536}),
        ("port true", {"port": True}),
        ("no token", {"token": None}),
        ("pid in text", {"pid": "1"}),
        ("roster an object", {"roster": {}}),
        ("policy an array", {"policy": []}),
    ]
    for what, payload in settings:
        sealed = sealed_set(payloads={SETTINGS: payload})[SETTINGS]["sealed"]
        refusals.append(
            _refusal(f"settings: {what}", SETTINGS, "SealedPayloadInvalid", {SETTINGS: sealed})
        )
    common: Json = {"format": 1, "instance": INSTANCE.hex()}
    earlier: Json = {"format": 1, "instance": EARLIER_INSTANCE.hex()}
    invalid = "SealedPayloadInvalid"
    members: list[tuple[str, str, Any, str]] = [
        (RULES, "not JSON", b"rules", invalid),
        (RULES, "format 2", {**common, "format": 2, "rules": ""}, invalid),
        (RULES, "no rules", common, invalid),
        (RULES, "rules a number", {**common, "rules": 7}, invalid),
        (RULES, "another instance", {**earlier, "rules": ""}, "SealedFileReplayed"),
        (HOOKS, "one text only", {**common, "pre_compact": ""}, invalid),
        (HOOKS, "none for agents", {**common, "pre_compact": "", "post_compact": ""}, invalid),
        (AGENTS, "an object", {**common, "agents": {}}, invalid),
        (AGENTS, "numbers", {**common, "agents": [7]}, invalid),
        (AGENTS, "no brief", {**common, "agents": [{"name": "a"}]}, invalid),
    ]
    for name, what, payload, error in members:
        files = sealed_set(payloads={name: payload})
        replace = {changed: files[changed]["sealed"] for changed in (SETTINGS, name)}
        refusals.append(_refusal(f"{name}, vouched for: {what}", name, error, replace))
    return refusals


def _wrong_manifests() -> list[Json]:
    hmac = "0" * 64
    entries: list[tuple[str, Any, str]] = [
        ("no entry", None, "SealedPayloadInvalid"),
        ("a list", [], "SealedPayloadInvalid"),
        ("text", hmac, "SealedPayloadInvalid"),
        ("empty", {}, "SealedPayloadInvalid"),
        ("no size", {"hmac_sha256": hmac}, "SealedPayloadInvalid"),
        ("size in text", {"size": "1", "hmac_sha256": hmac}, "SealedPayloadInvalid"),
        ("no HMAC", {"size": 1}, "SealedPayloadInvalid"),
        ("HMAC a number", {"size": 1, "hmac_sha256": 0}, "SealedPayloadInvalid"),
        ("HMAC too short", {"size": 1, "hmac_sha256": hmac[2:]}, "SealedPayloadInvalid"),
        ("HMAC not hex", {"size": 1, "hmac_sha256": "é" * 64}, "SealedPayloadInvalid"),
        ("another HMAC", {"size": 1, "hmac_sha256": hmac}, "SealedFileChanged"),
    ]
    refusals = []
    for what, entry, error in entries:
        sealed = sealed_set(manifest={RULES: entry})[SETTINGS]["sealed"]
        refusals.append(_refusal(f"manifest: {what}", RULES, error, {SETTINGS: sealed}))
    return refusals


def _build_secrets() -> list[Json]:
    return [
        {"what": what, "text": given, "secret": None if secret is None else secret.hex()}
        for what, given, secret in (
            ("hex", SECRET.hex(), SECRET),
            ("hex in upper case, in groups", SECRET.hex(" ", 4).upper() + "\n", SECRET),
            ("hex that is base64 too", "00112233445566778899aabbccddeeff" * 2, _EXAMPLE_HEX),
            ("base64", "////+/v7AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", _EXAMPLE_BASE64),
            ("base64url", "____-_v7AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", _EXAMPLE_BASE64),
            ("no padding", "////+/v7AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", _EXAMPLE_BASE64),
            ("31 bytes", SECRET.hex()[2:], None),
            ("empty", "", None),
            ("one byte, often", "ab" * 32, None),
            ("seven different bytes", "00010203040506" * 8, None),
            ("neither", "not a secret!" * 8, None),
        )
    ]


_EXAMPLE_HEX = bytes.fromhex("00112233445566778899aabbccddeeff" * 2)
_EXAMPLE_BASE64 = bytes.fromhex("fffffffbfbfb") + bytes(range(32))


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else PATH
    path.write_text(text(), encoding="utf-8", newline="\n")
