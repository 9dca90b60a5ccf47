"""The four files as one set: settings vouch for the other three, under one run of the daemon."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Settings:
    """The contents of the sealed settings: the rendezvous of daemon and command line."""

    instance: str
    api_url: str
    port: int
    pid: int
    token: str = field(repr=False)
    version: str
    created_at: str
    manifest: Mapping[str, Mapping[str, Any]] = field(repr=False)
    roster: list[Mapping[str, Any]] = field(repr=False)
    policy: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class SealedSet:
    """One run's four files in one folder, opened with one identity."""

    folder: Path
    identity: Identity = field(repr=False)
    settings: Settings

    def path(self, name: str) -> Path:
        return self.folder / name

    def open_member(self, name: str) -> dict[str, Any]:
        """Read, verify and decrypt one of the three files that the settings vouch for.

        Raises: SealError, a kind for each way in which a file can be wrong.
        """
        sealed = read_private(self.path(name))
        entry = self.settings.manifest.get(name)
        if entry is None:
            raise SealedPayloadInvalid(f"the sealed settings do not vouch for {name}")
        instance = bytes.fromhex(self.settings.instance)
        expected = file_hmac(sealed, self.identity, instance)
        if not hmac.compare_digest(expected, str(entry["hmac_sha256"])):
            raise self._diagnose(name, sealed, entry)
        payload = parse_payload(unseal(sealed, name, self.identity), name)
        if payload["instance"] != self.settings.instance:
            raise SealedFileReplayed(f"{name} belongs to another run of the daemon")
        return payload

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
) -> SealedSet:
    """Seal a new run's four files into a folder, the settings last: they announce the rest.

    Shapes: settings without `instance` and `manifest`; members by file name, without `instance`.
    Raises: FolderUnusable.
    """
    instance = os.urandom(INSTANCE_BYTES)
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
    return hmac.new(manifest_key(identity, instance), sealed, hashlib.sha256).hexdigest()


def parse_payload(plaintext: bytes, name: str) -> dict[str, Any]:
    """Parse a payload's JSON and check what all four have in common.

    Raises: SealedPayloadInvalid.
    """
    try:
        payload = json.loads(plaintext)
    except (ValueError, RecursionError):
        raise SealedPayloadInvalid(f"{name} does not hold JSON") from None
    if not isinstance(payload, dict) or payload.get("format") != FORMAT:
        raise SealedPayloadInvalid(f"{name} holds a format that this version does not know")
    if not isinstance(payload.get("instance"), str):
        raise SealedPayloadInvalid(f"{name} does not say which run it belongs to")
    return payload


def parse_settings(payload: Mapping[str, Any]) -> Settings:
    """Check the types of the settings payload.

    Raises: SealedPayloadInvalid, naming the field.
    """
    kinds: dict[str, type] = {
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
    for name, kind in kinds.items():
        if not isinstance(payload.get(name), kind):
            raise SealedPayloadInvalid(f"{names.SETTINGS} has no usable field {name!r}")
    return Settings(**{name: payload[name] for name in kinds})


def _encode(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
