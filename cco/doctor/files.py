"""What lies in the temp folder: each sealed file verified by itself, and the plain ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from cco.claude.bridge import EVENTS
from cco.doctor.finding import OK, PROBLEM, Finding
from cco.doctor.modes import closing
from cco.doctor.situation import ABSENT, Situation
from cco.errors import CcoError, SealedFileTruncated, SealedFileUnsafe
from cco.sealing import names
from cco.sealing.journal import open_segments
from cco.sealing.private_files import private_folder_fault, read_private
from cco.sealing.sealed_set import SealedSet

_IDS = {
    names.SETTINGS: "files.settings",
    names.AGENTS: "files.agents",
    names.RULES: "files.rules",
    names.HOOKS: "files.hooks",
    names.HISTORY: "files.history",
    names.BRIDGE: "files.bridge",
    names.PLUGIN: "files.plugin",
}
_RESTART = "Run: cco daemon restart"


def examine(situation: Situation) -> Iterator[Finding]:
    """Every file of the run that the settings announce, alive or not."""
    if situation.state == ABSENT:
        return
    sealed = situation.sealed
    if sealed is None:
        assert situation.error is not None
        yield _refused(names.SETTINGS, situation.folder / names.SETTINGS, situation.error)
        return
    yield Finding(_IDS[names.SETTINGS], names.SETTINGS, OK, "opens")
    for name in names.MEMBERS:
        yield _looked_at(sealed, name, _member)
    yield _looked_at(sealed, names.HISTORY, _history)
    yield _looked_at(sealed, names.BRIDGE, _bridge)
    yield _looked_at(sealed, names.PLUGIN, _plugin)


def _looked_at(sealed: SealedSet, name: str, look: Callable[[SealedSet, str], str]) -> Finding:
    try:
        return Finding(_IDS[name], name, OK, look(sealed, name))
    except CcoError as error:
        return _refused(name, sealed.path(name), error)


def _refused(name: str, path: Path, error: CcoError) -> Finding:
    fix = closing(path) if isinstance(error, SealedFileUnsafe) else None
    return Finding(_IDS[name], name, PROBLEM, str(error), error.advice, fix)


def _member(sealed: SealedSet, name: str) -> str:
    return f"verified and decrypted, {len(sealed.open_member(name))} fields"


def _history(sealed: SealedSet, name: str) -> str:
    path = sealed.path(name)
    try:
        data = read_private(path)
    except SealedFileTruncated:  # it grew just now
        data = read_private(path)
    segments = sum(1 for _ in open_segments(data, name, sealed.identity))
    return f"{segments} segments open, {len(data)} bytes"


def _bridge(sealed: SealedSet, name: str) -> str:
    try:
        document = json.loads(read_private(sealed.path(name)))
        missing = set(EVENTS) - set(document["hooks"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise SealedFileUnsafe(
            f"{name} is not the one that the daemon wrote", advice=_RESTART
        ) from None
    port = f"http://127.0.0.1:{sealed.settings.port}/"
    if missing or port not in json.dumps(document):
        raise SealedFileUnsafe(f"{name} is not the one that the daemon wrote", advice=_RESTART)
    return f"names the daemon's port for {len(EVENTS)} events"


def _plugin(sealed: SealedSet, name: str) -> str:
    path = sealed.path(name)
    fault = private_folder_fault(path)
    if fault is not None:
        raise SealedFileUnsafe(f"{name} {fault}", advice=_RESTART)
    wanted = {f"{agent['name']}.md" for agent in sealed.settings.roster}
    found = {one.name for one in (path / "agents").glob("*.md")}
    if found != wanted or not (path / ".claude-plugin" / "plugin.json").is_file():
        told = f"{name} has {len(found & wanted)} of {len(wanted)} stubs"
        extra = len(found - wanted)
        raise SealedFileUnsafe(f"{told}, {extra} others" if extra else told, advice=_RESTART)
    return f"{len(found)} stubs"
