"""Keeps the ledger in a sealed file, so that it outlives the daemon's process."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from cco.build_info import VERSION
from cco.daemon.log import LOG
from cco.errors import (
    CcoError,
    SealedFileMissing,
    SealedFileReplayed,
    SealedPayloadInvalid,
    SealError,
)
from cco.ledger.ledger import Ledger
from cco.ledger.state import LedgerState
from cco.sealing.journal import Draft, Journal, open_segments, segment_bytes
from cco.sealing.keys import Identity
from cco.sealing.private_files import MAX_BYTES, read_private
from cco.sealing.sealed_set import parse_payload

FLUSH_S = 2.0
REWRITE_BYTES = 4 << 20
"""A file of at least this size is written anew once half of it is out of date."""
MOST_BYTES = MAX_BYTES * 3 // 4
_SLICE_CHARS = 64 << 10
_SLICE_S = 0.005
_PAUSE_S = 0.01

_Step = Callable[[], None] | None
"""Between two steps others may run; a callable may take a while and needs no event loop."""


class History:
    """Writes what has changed behind the rest, and now and then all of it anew."""

    def __init__(
        self,
        path: Path,
        identity: Identity,
        state: LedgerState,
        is_anothers: Callable[[], bool] = lambda: False,
    ) -> None:
        """With a way to tell whether another daemon has the file's folder now."""
        self._is_anothers = is_anothers
        self._path = path
        self._identity = identity
        self._state = state
        self._journal: Journal | None = None
        """None where the file must be written anew."""
        self._header = b""
        self._rewrite_bytes = REWRITE_BYTES
        self._failing = False
        self._writes = True
        self._ending = asyncio.Event()

    @property
    def state(self) -> LedgerState:
        return self._state

    def begin(self, instance: str, previous: str | None) -> None:
        """Write the file of a run that takes up from the previous one's instance.

        Raises: FolderUnusable.
        """
        header = {"format": 1, "instance": instance, "previous": previous, "version": VERSION}
        self._header = json.dumps(header).encode()
        _at_once(self._rewrite())

    async def keep(self) -> None:
        """Write what has changed every two seconds, until `end`."""
        while not self._ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), FLUSH_S)
            await self._write()
        await self._write()

    def end(self, *, write: bool = True) -> None:
        """Have `keep` write a last time, unless told otherwise, and return."""
        self._writes = write
        self._ending.set()

    async def _write(self) -> None:
        if not self._writes or self._is_anothers():
            return
        try:
            try:
                await self._write_changes()
            except SealError as error:  # replaced by somebody just now
                LOG.warning("the history is not as it was left, and is written anew: %s", error)
                self._journal = None
                await self._write_changes()
        except CcoError as error:
            self._journal = None
            if not self._failing:
                LOG.warning("the history is not written: %s", error)
            self._failing = True
        else:
            self._failing = False

    async def _write_changes(self) -> None:
        for step in self._steps():
            if step is not None:
                await _aside(step)
            elif not self._ending.is_set():
                await asyncio.sleep(_PAUSE_S)

    def _steps(self) -> Iterator[_Step]:
        if self._must_rewrite():
            yield from self._rewrite()
            return
        for payload in _slices(self._state.changes()):
            assert self._journal is not None
            self._journal.append(payload)
            yield None
            if self._journal.size_bytes > MOST_BYTES:  # much happens: do not wait for the next time
                yield from self._rewrite()
                return

    def _must_rewrite(self) -> bool:
        journal = self._journal
        return (
            journal is None
            or not journal.is_as_left()
            or journal.size_bytes > self._rewrite_bytes
            or self._state.ledger.changes.overflowed
        )

    def _rewrite(self) -> Iterator[_Step]:
        """Write all of the ledger into a new file. What changes meanwhile comes at its end, in one
        step with the renaming, so that the file is right whenever it is the one."""
        self._journal = None
        draft = Draft(self._path, self._identity)
        try:
            draft.add(self._header)
            for payload in _slices(self._state.everything()):
                draft.add(payload)
                yield None
            yield draft.sync
            for payload in _slices(self._state.changes()):
                draft.add(payload)
            self._journal = draft.publish()
        except BaseException:
            draft.discard()
            raise
        self._rewrite_bytes = min(max(REWRITE_BYTES, 2 * draft.size_bytes), MOST_BYTES)


async def _aside(step: Callable[[], None]) -> None:
    """Run in a thread what may take a while; here where the system gives no more threads."""
    loop = asyncio.get_running_loop()
    try:
        running = loop.run_in_executor(None, step)
    except RuntimeError:
        step()
    else:
        await running


def restored(path: Path, identity: Identity, *, previous: str | None, kept: bool) -> LedgerState:
    """The ledger that an earlier run left; an empty one where there is none or it is refused.

    `previous` is the instance of that run, as its settings tell it. Without settings only a history
    that was `kept` on purpose is taken up.
    """
    state = LedgerState(Ledger())
    try:
        sealed = read_private(path)
        payloads = open_segments(sealed, path.name, identity)
        header = next(payloads)
        _check_header(parse_payload(header, path.name), previous, kept)
        whole_bytes = segment_bytes(header)
        for payload in payloads:
            whole_bytes += segment_bytes(payload)
            for line in _parsed(payload, path.name):
                state.restore(line)
        state.finish()
    except SealedFileMissing:
        return LedgerState(Ledger())
    except CcoError as error:
        LOG.warning("the history is refused: %s", error)
        return LedgerState(Ledger())
    torn_bytes = len(sealed) - whole_bytes
    if torn_bytes:
        LOG.warning("the history ends in %d bytes that were not written whole", torn_bytes)
    LOG.info("took up the history of %d sessions", len(state.ledger.sessions()))
    return state


def _check_header(header: dict[str, Any], previous: str | None, kept: bool) -> None:
    """Raises: SealedFileReplayed."""
    if previous is None:
        if not kept:
            raise SealedFileReplayed("no settings vouch for it, and keep_history is off")
    elif previous not in (header["instance"], header.get("previous")):
        raise SealedFileReplayed("it belongs to another run of the daemon")


def _slices(lines: Iterator[str]) -> Iterator[bytes]:
    """Lines in segments of about a size, none of which takes long to gather."""
    gathered: list[str] = []
    chars = 0
    began = time.perf_counter()
    for line in lines:
        gathered.append(line)
        chars += len(line)
        if chars >= _SLICE_CHARS or time.perf_counter() - began >= _SLICE_S:
            yield "\n".join(gathered).encode()
            gathered, chars = [], 0
            began = time.perf_counter()
    if gathered:
        yield "\n".join(gathered).encode()


def _parsed(payload: bytes, name: str) -> Iterator[object]:
    for line in payload.split(b"\n"):
        try:
            yield json.loads(line.decode())
        except (ValueError, RecursionError):
            raise SealedPayloadInvalid(f"{name} does not hold JSON") from None


def _at_once(steps: Iterator[_Step]) -> None:
    for step in steps:
        if step is not None:
            step()
