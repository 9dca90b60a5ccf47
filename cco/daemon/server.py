"""The daemon's life: lock, port, four sealed files; serve; and everything away again."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING

from cco.build_info import VERSION
from cco.catalogue.model import COMPACTION_TEXTS, INJECTION_LIMIT_CHARS, Catalogue
from cco.catalogue.overlay import personal_catalogue
from cco.catalogue.search import SearchIndex
from cco.claude.bridge import bridge_settings
from cco.claude.environment import pinned_environment
from cco.claude.plugin import mcp_permission, mcp_server, write_plugin
from cco.config import Config, personal_fingerprint
from cco.daemon import log, sockets
from cco.daemon.application import MAX_BODY_BYTES, make_application
from cco.daemon.connections import raise_descriptor_limit
from cco.daemon.history import History, restored
from cco.daemon.hooks.briefing import Briefing
from cco.daemon.hooks.budget_guard import BudgetGuard
from cco.daemon.hooks.compactions import Compactions
from cco.daemon.hooks.conflict_guard import watch_edits
from cco.daemon.hooks.hints import Hints
from cco.daemon.process import dump_no_core
from cco.daemon.signals import hold_signals, stop_on_signals
from cco.daemon.state import State
from cco.daemon.strangers import Server
from cco.daemon.telemetry.attribution import Attribution
from cco.daemon.telemetry.scrape_files import remove_scrape_files, write_scrape_files
from cco.daemon.upkeep import Upkeep
from cco.errors import CcoError, DaemonAlreadyRunning, PortTaken, SealedFileMissing
from cco.ledger.budget import Budgets, nanousd
from cco.own_command import self_command
from cco.sealing import names
from cco.sealing.folder import (
    choose_folder,
    is_taken,
    other_places,
    remove_leftovers,
    remove_private_folder,
)
from cco.sealing.identity import current_identity
from cco.sealing.keys import Identity
from cco.sealing.locks import Lock
from cco.sealing.private_files import remove, write_private
from cco.sealing.sealed_set import INSTANCE_BYTES, SealedSet, Settings, open_set, write_set

if TYPE_CHECKING:
    from cco.daemon.telemetry.forward import Forwarder

TOKEN_BYTES = 32
_LOCK_WAIT_S = 5.0
_CLOSE_S = 1.0
_REST_AFTER_S = 1.0
_LOG = log.LOG


@dataclass(frozen=True)
class Started:
    """What a daemon that began to serve says of itself."""

    port: int
    pid: int
    folder: Path
    kept_port: bool
    """Whether the port is that of the run before, whose sessions go on."""
    refused: tuple[str, ...] = ()
    """The user's own definitions that were left out, and why."""


def run(config: Config, explicit_port: int | None, ready: Callable[[Started], None]) -> None:
    """Serve until told to stop.

    With an explicit port that port or none; otherwise the previous run's port where it can be
    had, else the preferred one or the next free one.
    Raises: DaemonAlreadyRunning, PortTaken, FolderUnusable, MachineIdUnavailable.
    """
    os.umask(0o077)
    dump_no_core()
    hold_signals(True)
    identity = current_identity()
    folder = choose_folder()
    lock = Lock(folder / names.DAEMON_LOCK)
    if not lock.acquire(_LOCK_WAIT_S):
        raise DaemonAlreadyRunning(f"a daemon already holds {folder}")
    try:
        _be_the_only_one(folder)
        lock.write_pid()
        log.set_up(folder)
        _quieten_tornado()
        raise_descriptor_limit()
        previous = _previous(folder, identity)
        listening = _bind(config.port, explicit_port, previous)
        _live(config, folder, identity, previous, lock=lock, listening=listening, ready=ready)
    except CcoError as error:
        _LOG.error("did not start: %s", error)
        raise
    finally:
        lock.release()
        remove_private_folder(folder)


def _be_the_only_one(folder: Path) -> None:
    """Give way where this user's choice of a folder has just changed: of two neither goes on.

    Raises: DaemonAlreadyRunning.
    """
    for other in other_places(folder):
        if is_taken(other):
            raise DaemonAlreadyRunning(f"a daemon already holds {other}")


def _live(
    config: Config,
    folder: Path,
    identity: Identity,
    previous: Settings | None,
    *,
    lock: Lock,
    listening: list[socket],
    ready: Callable[[Started], None],
) -> None:
    """Make the files, serve, and take the files away again.

    After a failure they stay where sessions know of them, so that a later start takes those up.
    """
    port = listening[0].getsockname()[1]
    keeps = previous is not None and previous.port == port
    has_sessions = keeps
    try:
        token = previous.token if previous is not None and keeps else _new_token()
        instance = os.urandom(INSTANCE_BYTES)
        history = _history(
            folder, identity, config, instance.hex(), previous, lock=lock, keeps=keeps
        )
        remove_leftovers(folder, keep_live=keeps, keep_history=True)
        personal = personal_catalogue(config)
        for line in (*personal.refused, *personal.remarks):
            _LOG.warning("%s", line)
        sealed = _write_files(
            folder, identity, config, personal.catalogue, instance, port=port, token=token
        )
        write_scrape_files(config.metrics_folder, sealed.settings)
        index = personal.search_index()
        started = Started(port, os.getpid(), folder, keeps, personal.refused)
        del personal  # from here on briefs and rules are read from the sealed files alone

        def serves() -> None:
            nonlocal has_sessions
            has_sessions = True
            ready(started)

        serving = _serve(
            config, sealed, index, history, lock=lock, listening=listening, ready=serves
        )
        handover = asyncio.run(serving)
    except BaseException as error:
        if not isinstance(error, CcoError):
            _LOG.error("ended by %s", type(error).__name__)
        if not has_sessions:
            _remove_files(folder, config)
        raise
    if handover:
        _LOG.info("stopped; the next daemon takes over port and token")
    else:
        _remove_files(folder, config)
        kept = " but the history" if config.keep_history else ""
        _LOG.info("stopped; all files%s are removed", kept)


async def _serve(
    config: Config,
    sealed: SealedSet,
    index: SearchIndex,
    history: History,
    *,
    lock: Lock,
    listening: list[socket],
    ready: Callable[[], None],
) -> bool:
    """Answer until stopped; returns whether a successor takes over."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[bool] = loop.create_future()

    def stop(*, handover: bool = False) -> None:
        if not stopped.done():
            stopped.set_result(handover)

    ledger = history.state.ledger
    hints = Hints(index) if config.hints else None
    budgets = Budgets(ledger, nanousd(config.day_budget_usd))
    history.state.keep("budgets", budgets)
    guards = (BudgetGuard(budgets, ledger.feed),)
    attribution = Attribution(ledger, loop.call_later)
    upkeep = Upkeep(sealed, lock, stop, ledger.sessions)
    state = State(
        sealed,
        Briefing(upkeep),
        ledger,
        stop,
        budgets,
        attribution,
        Compactions(ledger),
        hints,
        guards,
        index=index,
    )
    state.forwarder = forwarder = _forwarder(config)
    state.put_back = upkeep.put_back
    state.observers = (*state.observers, state.callers, attribution, upkeep)
    watch_edits(state, config.conflicts, loop.call_later)
    server = Server(
        make_application(state),
        token=sealed.settings.token,
        max_body_size=MAX_BODY_BYTES,
        max_buffer_size=MAX_BODY_BYTES + (1 << 20),
    )
    server.add_sockets(listening)
    stop_on_signals(loop, stop)
    hold_signals(False)
    _LOG.info("cco %s serves on port %d from %s", VERSION, sealed.settings.port, sealed.folder)
    ready()
    writing = asyncio.create_task(history.keep())
    keeping = asyncio.create_task(upkeep.keep())
    loop.call_later(_REST_AFTER_S, _load_the_rest)
    if forwarder is not None:
        forwarder.start()
    handover = await stopped
    server.stop()
    await state.streams.stop()
    with suppress(TimeoutError):
        await asyncio.wait_for(server.close_all_connections(), _CLOSE_S)
    if forwarder is not None:
        await forwarder.close()
    upkeep.end()
    await keeping
    history.end(write=not upkeep.superseded)  # it would be written over another's
    await writing
    hold_signals(True)  # the loop takes its handlers along: one more would leave files behind
    return handover


def _forwarder(config: Config) -> Forwarder | None:
    if config.forward_url is None:
        return None
    from cco.daemon.telemetry.forward import Forwarder

    return Forwarder(config.forward_url, config.forward_headers)


def _load_the_rest() -> None:
    """Load what the first edit needs: by then the frozen program's copy may be gone with the
    user's cache, and a program that cannot be read ends."""
    import psutil  # noqa: F401  # it would hold the start up


def _previous(folder: Path, identity: Identity) -> Settings | None:
    """The settings that an ended run left, for its port and token."""
    try:
        return open_set(folder, identity).settings
    except SealedFileMissing:
        return None
    except CcoError as error:
        _LOG.warning("the previous run's settings are refused: %s", error)
        return None


def _bind(preferred: int, explicit: int | None, previous: Settings | None) -> list[socket]:
    if explicit is not None:
        return sockets.bind(explicit)
    if previous is not None:
        try:
            return sockets.bind(previous.port)
        except PortTaken as error:
            _LOG.warning("%s; sessions of the previous run are cut off", error)
    return sockets.bind_first_free(preferred)


def _new_token() -> str:
    return base64.urlsafe_b64encode(os.urandom(TOKEN_BYTES)).rstrip(b"=").decode()


def _write_files(
    folder: Path,
    identity: Identity,
    config: Config,
    catalogue: Catalogue,
    instance: bytes,
    *,
    port: int,
    token: str,
) -> SealedSet:
    """Make the plugin folder and the bridge, then the four sealed files, the settings last."""
    roster = [agent.public() for agent in catalogue.agents]
    server = mcp_server(token)
    write_plugin(folder / names.PLUGIN, roster, VERSION, server=server, port=port)
    bridge = bridge_settings(
        port,
        self_command(),
        status_line=config.status_line,
        allow=(mcp_permission(server),),
        env=pinned_environment(port),
    )
    write_private(folder / names.BRIDGE, json.dumps(bridge, indent=1).encode())
    return write_set(
        folder,
        identity,
        {
            "api_url": f"http://localhost:{port}",
            "port": port,
            "pid": os.getpid(),
            "token": token,
            "version": VERSION,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "roster": roster,
            "policy": {
                "nudge": catalogue.nudge,
                "injection_limit_chars": INJECTION_LIMIT_CHARS,
                "status_line": config.status_line,
                "personal": personal_fingerprint(),
                "keep_history": config.keep_history,
            },
        },
        {
            names.AGENTS: {
                "agents": [
                    {**agent.public(), "keywords": list(agent.keywords), "brief": agent.brief}
                    for agent in catalogue.agents
                ]
            },
            names.RULES: {"rules": catalogue.rules},
            names.HOOKS: {name: getattr(catalogue, name) for name in COMPACTION_TEXTS},
        },
        instance=instance,
    )


def _history(
    folder: Path,
    identity: Identity,
    config: Config,
    instance: str,
    previous: Settings | None,
    *,
    lock: Lock,
    keeps: bool,
) -> History:
    """Take up what happened before, and begin this run's file with it."""
    path = folder / names.HISTORY
    before = None if previous is None else previous.instance
    state = restored(path, identity, previous=before, kept=config.keep_history)
    if not keeps:  # no session of the run before reaches this one
        state.ledger.close()
    history = History(path, identity, state, lock.is_anothers)
    history.begin(instance, before)
    return history


def _remove_files(folder: Path, config: Config) -> None:
    remove(folder / names.SETTINGS)  # first: nobody finds a daemon that is going away
    remove_leftovers(folder, keep_live=False, keep_history=config.keep_history)
    remove_scrape_files(config.metrics_folder)


def _quieten_tornado() -> None:
    """What tornado logs may quote what others sent; the daemon's log has its own lines."""
    logger = logging.getLogger("tornado")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
