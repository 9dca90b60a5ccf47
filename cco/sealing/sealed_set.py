"""The four files as one set: settings vouch for the other three, under one run of the daemon."""

from __future__ import annotations

import hmac
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cco.errors import (
    SealedFileChanged,
    SealedFileForeign,
    SealedFileReplayed,
    SealedFileTruncated,
    SealedPayloadInvalid,
)
from cco.sealing import names
from cco.sealing.envelope import seal, unseal
from cco.sealing.keys import Identity, manifest_key
from cco.sealing.private_files import read_private, write_private

FORMAT = 1
INSTANCE_BYTES = 16
_INSTANCE = re.compile(r"[0-9a-f]{32}")
_HMAC = re.compile(r"[0-9a-f]{64}")
_SETTINGS_FIELDS: Mapping[str, type] = {
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
_MEMBER_FIELDS: Mapping[str, Mapping[str, type]] = {
    names.AGENTS: {"agents": list},
    names.RULES: {"rules": str},
    names.HOOKS: {
        "pre_compact": str,
        "post_compact": str,
        "agent_pre_compact": str,
        "agent_post_compact": str,
    },
}
_AGENT_FIELDS: Mapping[str, type] = {
    "name": str,
    "description": str,
    "model": str,
    "tools": list,
    "keywords": list,
    "brief": str,
}
_BEGINNING = b'{"name":'
"""How each agent begins, its name being the first of its fields."""


class Settings(NamedTuple):
    """The contents of the sealed settings: the rendezvous of daemon and command line."""

    instance: str
    api_url: str
    port: int
    pid: int
    token: str
    version: str
    created_at: str
    manifest: Mapping[str, Mapping[str, Any]]
    roster: list[Mapping[str, Any]]
    policy: Mapping[str, Any]

    def __repr__(self) -> str:  # without the token
        return f"Settings(instance={self.instance!r}, port={self.port}, pid={self.pid})"


class SealedSet(NamedTuple):
    """One run's four files in one folder, opened with one identity."""

    folder: Path
    identity: Identity
    settings: Settings

    def __repr__(self) -> str:
        return f"SealedSet({self.folder!r}, {self.settings!r})"

    def path(self, name: str) -> Path:
        return self.folder / name

    def open_member(self, name: str) -> dict[str, Any]:
        """Read, verify and decrypt one of the three files that the settings vouch for.

        Raises: SealError, a kind for each way in which a file can be wrong.
        """
        payload = parse_payload(self._decrypt(name), name)
        if payload["instance"] != self.settings.instance:
            raise SealedFileReplayed(f"{name} belongs to another run of the daemon")
        check_fields(payload, _MEMBER_FIELDS[name], name)
        for agent in payload.get("agents", ()) if name == names.AGENTS else ():
            _check_agent(agent)
        return payload

    def open_agent(self, name: str) -> dict[str, Any] | None:
        """Read, verify and decrypt the agents, and parse one; None where there is no such agent.

        It is found without parsing the rest, which would take as long as all else together: within
        a JSON string a quotation mark is escaped, so what is found does begin an object.
        Raises: SealError.
        """
        plaintext = self._decrypt(names.AGENTS)
        spelled = json.dumps(name, ensure_ascii=False).encode(errors="replace")
        found = plaintext.find(_BEGINNING + spelled + b",")
        if found < 0:
            return None
        next_one = plaintext.find(_BEGINNING, found + 1)
        try:
            text = plaintext[found : None if next_one < 0 else next_one].decode()
            agent, _ = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            raise SealedPayloadInvalid(f"{names.AGENTS} does not hold JSON") from None
        _check_agent(agent)
        if agent["name"] != name:
            raise SealedPayloadInvalid(f"{names.AGENTS} has an agent of two names")
        return dict(agent)

    def _decrypt(self, name: str) -> bytes:
        """The plaintext of a file that the settings vouch for."""
        sealed = read_private(self.path(name))
        entry = self.settings.manifest[name]
        instance = bytes.fromhex(self.settings.instance)
        expected = file_hmac(sealed, self.identity, instance)
        if not hmac.compare_digest(expected, str(entry["hmac_sha256"])):
            raise self._diagnose(name, sealed, entry)
        return unseal(sealed, name, self.identity)

    def _diagnose(self, name: str, sealed: bytes, entry: Mapping[str, Any]) -> Exception:
        """Say why a file is not the one that the manifest vouches for."""
        try:
            payload = parse_payload(unseal(sealed, name, self.identity), name)
        except SealedFileForeign:
            if len(sealed) < int(entry["size"]):
                return SealedFileTruncated(
                    f"{name} has {len(sealed)} bytes of the {entry['size']} that were sealed"
                )
            return SealedFileChanged(f"{name} was changed after it was sealed")
        if payload["instance"] != self.settings.instance:
            return SealedFileReplayed(f"{name} belongs to an earlier run of the daemon")
        return SealedFileChanged(f"{name} is not the file that was sealed at start")


def write_set(
    folder: Path,
    identity: Identity,
    settings: Mapping[str, Any],
    members: Mapping[str, Mapping[str, Any]],
    *,
    instance: bytes | None = None,
) -> SealedSet:
    """Seal a new run's four files into a folder, the settings last: they announce the rest.

    Shapes: settings without `instance` and `manifest`; members by file name, without `instance`;
    instance 16 bytes, fresh and random unless the caller has drawn them.
    Raises: FolderUnusable.
    """
    instance = os.urandom(INSTANCE_BYTES) if instance is None else instance
    manifest = {}
    for name in names.MEMBERS:
        payload = {"format": FORMAT, "instance": instance.hex(), **members[name]}
        sealed = seal(_encode(payload), name, identity)
        write_private(folder / name, sealed)
        manifest[name] = {
            "size": len(sealed),
            "hmac_sha256": file_hmac(sealed, identity, instance),
        }
    payload = {"format": FORMAT, "instance": instance.hex(), "manifest": manifest, **settings}
    write_private(folder / names.SETTINGS, seal(_encode(payload), names.SETTINGS, identity))
    return SealedSet(folder, identity, parse_settings(payload))


def open_set(folder: Path, identity: Identity) -> SealedSet:
    """Open the settings of the run that lives in a folder.

    Raises: SealError.
    """
    sealed = read_private(folder / names.SETTINGS)
    payload = parse_payload(unseal(sealed, names.SETTINGS, identity), names.SETTINGS)
    return SealedSet(folder, identity, parse_settings(payload))


def file_hmac(sealed: bytes, identity: Identity, instance: bytes) -> str:
    """HMAC-SHA256 in hex over a whole sealed file, under the key of one run."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.hmac import HMAC

    code = HMAC(manifest_key(identity, instance), SHA256())
    code.update(sealed)
    return code.finalize().hex()


def parse_payload(plaintext: bytes, name: str) -> dict[str, Any]:
    """Parse a payload's JSON and check what all four have in common.

    Raises: SealedPayloadInvalid.
    """
    try:
        payload = json.loads(plaintext.decode())  # as bytes, UTF-16 would do as well
    except (ValueError, RecursionError):
        raise SealedPayloadInvalid(f"{name} does not hold JSON") from None
    if not isinstance(payload, dict) or not _is(payload.get("format"), int):
        raise SealedPayloadInvalid(f"{name} does not hold a payload of cco's")
    if payload["format"] != FORMAT:
        raise SealedPayloadInvalid(f"{name} holds a format that this version does not know")
    instance = payload.get("instance")
    if not isinstance(instance, str) or not _INSTANCE.fullmatch(instance):
        raise SealedPayloadInvalid(f"{name} does not say which run it belongs to")
    return payload


def parse_settings(payload: Mapping[str, Any]) -> Settings:
    """Check the types of the settings payload, the port's range, and the manifest's entries.

    Raises: SealedPayloadInvalid, naming the field.
    """
    check_fields(payload, _SETTINGS_FIELDS, names.SETTINGS)
    if not 1 <= payload["port"] <= 65535:
        raise SealedPayloadInvalid(f"{names.SETTINGS} has an impossible port")
    for name in names.MEMBERS:
        entry = payload["manifest"].get(name)
        if not isinstance(entry, dict):
            raise SealedPayloadInvalid(f"the sealed settings do not vouch for {name}")
        check_fields(entry, {"size": int, "hmac_sha256": str}, f"the manifest's entry of {name}")
        if not _HMAC.fullmatch(entry["hmac_sha256"]):
            raise SealedPayloadInvalid(f"the manifest's HMAC of {name} is none")
    return Settings(**{name: payload[name] for name in _SETTINGS_FIELDS})


def _check_agent(agent: object) -> None:
    if not isinstance(agent, dict):
        raise SealedPayloadInvalid(f"{names.AGENTS} holds something that is no agent")
    check_fields(agent, _AGENT_FIELDS, names.AGENTS)


def check_fields(payload: Mapping[str, Any], kinds: Mapping[str, type], subject: str) -> None:
    """Check that fields are there with just their types.

    Raises: SealedPayloadInvalid, naming the field.
    """
    for name, kind in kinds.items():
        if not _is(payload.get(name), kind):
            raise SealedPayloadInvalid(f"{subject} has no usable field {name!r}")


def _is(value: object, kind: type) -> bool:
    """Whether a JSON value has a type; true is no integer."""
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _encode(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
