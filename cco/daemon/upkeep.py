"""Keeps the daemon's files where they are for as long as it runs.

Temp folders are cleaned: of what is old (by systemd-tmpfiles after ten days, on macOS after three)
or of everything at once. What is gone is put back as it was, and nothing gets old. What was changed
stays as it is: whoever reads it refuses it. What killed launches left is taken away.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from cco.claude.plugin import mcp_server, plugin_is_whole, write_plugin
from cco.daemon.launch_copies import abandoned
from cco.daemon.log import LOG
from cco.errors import CcoError, FolderUnusable, SealedFileMissing
from cco.ledger.records import Session
from cco.sealing import names
from cco.sealing.folder import bridge_copies, private_folder
from cco.sealing.locks import Lock
from cco.sealing.private_files import (
    held_by_another,
    is_ours,
    make_private_folder,
    read_private,
    remove,
    write_private,
)
from cco.sealing.sealed_set import SealedSet

Opened = TypeVar("Opened")
CHECK_S = 2.0
TOUCH_S = 3_600.0
SILENCE_S = 3_600.0
"""How long a daemon whose whole folder is gone goes on for sessions that say nothing."""


class Upkeep:
    """Puts back what is gone, and touches what would get old."""

    def __init__(
        self,
        sealed: SealedSet,
        lock: Lock,
        stop: Callable[..., None],
        sessions: Callable[[], Iterable[Session]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises: SealError."""
        self._sealed = sealed
        self._lock = lock
        self._stop = stop
        self._sessions = sessions
        self._clock = clock
        self._kept = {
            name: read_private(sealed.path(name)) for name in (names.BRIDGE, *_MEMBERS_FIRST)
        }
        """The bytes of each file: of the sealed ones no more than is on disk."""
        self._touched_at = self._heard_at = clock()
        self._failing = False
        self._ending = asyncio.Event()
        self.superseded = False
        """Whether another daemon has this folder now."""

    def open_member(self, name: str) -> dict[str, Any]:
        """Read, verify and decrypt a sealed file; one that is gone is put back first.

        Raises: SealError.
        """
        return self._opened(name, lambda: self._sealed.open_member(name))

    def open_agent(self, name: str) -> dict[str, Any] | None:
        """Read, verify and decrypt the agents for one of them; put them back first if need be.

        Raises: SealError.
        """
        return self._opened(names.AGENTS, lambda: self._sealed.open_agent(name))

    def _opened(self, name: str, read: Callable[[], Opened]) -> Opened:
        try:
            return read()
        except SealedFileMissing:
            with suppress(CcoError):
                self._put_back(name)
            return read()

    def heard(self, event: str, session: Session, payload: Mapping[str, Any]) -> None:
        """Take in that a session still reaches this daemon."""
        self._heard_at = self._clock()

    async def keep(self) -> None:
        """Look after the files every two seconds, until `end`."""
        while not self._ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), CHECK_S)
                return
            self.check()

    def end(self) -> None:
        """Have `keep` return."""
        self._ending.set()

    def check(self) -> None:
        """Look after the files once."""
        try:
            self.put_back()
        except (CcoError, OSError) as error:
            if not self._failing:
                LOG.warning("files that are gone cannot be put back: %s", error)
            self._failing = True
            if not self._sealed.folder.is_dir() and self._is_alone():
                LOG.warning("%s is gone, and nobody needs it any more", self._sealed.folder)
                self._stop()
        else:
            self._failing = False

    def _is_alone(self) -> bool:
        in_use = any(one.ended_at is None for one in self._sessions())
        return not in_use or self._clock() - self._heard_at > SILENCE_S

    def put_back(self) -> None:
        """Look after the files once, and put back what is gone.

        Raises: FolderUnusable, OSError.
        """
        folder = self._sealed.folder
        if folder == private_folder(folder.parent):
            make_private_folder(folder)  # or raise, where somebody else made it meanwhile
        if not self._lock.renew():
            LOG.warning("another daemon has taken %s over", folder)
            self.superseded = True
            self._stop(handover=True)
            return
        if self._clock() - self._touched_at >= TOUCH_S:
            self._touched_at = self._clock()
            self._remove_abandoned()
            self._touch()
        settings, plugin = self._sealed.settings, folder / names.PLUGIN
        if not held_by_another(plugin) and not plugin_is_whole(plugin, settings.roster):
            write_plugin(
                plugin,
                settings.roster,
                settings.version,
                server=mcp_server(settings.token),
                port=settings.port,
            )
            LOG.warning("%s was not whole; it is again", names.PLUGIN)
        for name in self._kept:
            if not os.path.lexists(folder / name):
                self._put_back(name)
        for name in (*self._kept, names.PLUGIN):
            if held_by_another(folder / name):  # who was faster than we, after a cleaner
                raise FolderUnusable(f"{folder / name} belongs to another user")

    def _put_back(self, name: str) -> None:
        """Raises: FolderUnusable."""
        write_private(self._sealed.path(name), self._kept[name])
        LOG.warning("%s was gone; it is there again", name)

    def _remove_abandoned(self) -> None:
        for path in abandoned(self._sealed.folder, self._sessions()):
            if remove(path):
                LOG.info("%s was of a launch that is gone; it is removed", path.name)

    def _touch(self) -> None:
        """Let everything look used just now; when it was written stays as it was."""
        for path in self._everything():
            with suppress(OSError):
                status = path.lstat()
                if is_ours(path) and not stat.S_ISLNK(status.st_mode):
                    os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))

    def _everything(self) -> Iterator[Path]:
        folder = self._sealed.folder
        yield from (folder / name for name in names.ALL)
        yield from bridge_copies(folder)
        yield from (folder / names.PLUGIN).rglob("*")
        if folder == private_folder(folder.parent):
            yield folder


_MEMBERS_FIRST = (*names.MEMBERS, names.SETTINGS)
"""The settings announce the rest, here as well."""
