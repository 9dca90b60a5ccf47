"""A daemon without a process: its own application and handlers, answering in the same call.

Every check of a real request is made (Host, token, Origin, content type), but there is no socket
and no event loop to wait for: some thousand requests a second.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import logging
import os
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from functools import cache, wraps
from http import HTTPStatus
from pathlib import Path
from typing import Any, NoReturn

import tornado.httputil
import tornado.web

from cco.build_info import VERSION
from cco.catalogue.markdown import load_markdown
from cco.catalogue.model import COMPACTION_TEXTS, Agent
from cco.catalogue.search import SearchIndex
from cco.daemon.application import make_application
from cco.daemon.hooks.briefing import Briefing
from cco.daemon.hooks.budget_guard import BudgetGuard
from cco.daemon.hooks.compactions import Compactions
from cco.daemon.hooks.conflict_guard import watch_edits
from cco.daemon.hooks.disk import Disk
from cco.daemon.hooks.hints import Hints
from cco.daemon.state import State
from cco.daemon.telemetry.attribution import Attribution
from cco.ledger.budget import Budgets
from cco.ledger.ledger import Ledger
from cco.sealing import names
from cco.sealing.keys import Identity
from cco.sealing.sealed_set import SealedSet, write_set
from tests.conftest import Answer

IDENTITY = Identity("machine", "user", b"secret")
PORT = 3000
TOKEN = "Zm9yIGZ1enppbmcgb25seQ"  # of this daemon, which no network reaches
INSTANCE = bytes(range(16))
AGENT_NAMES = ("debugger", "test-engineer", "react-engineer")
NOW = 1_767_225_600.0
SCRATCH = "CCO_FUZZ_SCRATCH"
TYPES = {"Content-Type": "application/json"}

logging.getLogger("cco").addHandler(logging.NullHandler())


class Daemon:
    """Handlers over a ledger of their own."""

    def __init__(
        self,
        *,
        conflicts: str = "warn",
        day_nanousd: int | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        sealed, index = sealed_files(), search_index()
        self.now = NOW
        self.ledger = Ledger(clock=lambda: self.now) if ledger is None else ledger
        budgets = Budgets(self.ledger, day_nanousd, clock=lambda: self.now)
        guards = (BudgetGuard(budgets, self.ledger.feed),)
        self.stopped: list[bool] = []
        self.state = State(
            sealed,
            Briefing(sealed),
            self.ledger,
            lambda *, handover: self.stopped.append(handover),
            budgets,
            Attribution(self.ledger, lambda seconds, call: None),
            Compactions(self.ledger),
            Hints(index),
            guards,
            index=index,
            disk=Disk(mounts=lambda: ()),
        )
        self.state.observers = (self.state.callers,)
        watch_edits(self.state, conflicts, lambda seconds, call: None)
        self.application = make_application(self.state)

    def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, with the token and as JSON unless the headers say otherwise."""
        usual = {"Host": f"127.0.0.1:{PORT}", "Authorization": f"Bearer {TOKEN}", **TYPES}
        connection = _Connection()
        try:
            request = tornado.httputil.HTTPServerRequest(
                connection=connection,
                start_line=tornado.httputil.RequestStartLine(method, target, "HTTP/1.1"),
                headers=tornado.httputil.HTTPHeaders({**usual, **(headers or {})}),
                body=body,
            )
        except tornado.httputil.HTTPInputError:  # tornado answers, and closes the connection
            return Answer(HTTPStatus.BAD_REQUEST, {}, b"")
        found: Any = self.application.find_handler(request)
        handler = found.handler_class(self.application, request, **found.handler_kwargs)
        answering = handler._execute([], *found.path_args, **found.path_kwargs)
        if asyncio.events._get_running_loop() is None:
            event_loop().run_until_complete(answering)
        else:
            _run_through(answering)
        return connection.answer()

    def json(self, method: str, target: str, document: Any) -> Answer:
        return self.request(method, target, json.dumps(document).encode())


def in_loop(act: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Have a target run inside the event loop: entering it for each request takes longer."""

    @wraps(act)
    def run(data: bytes) -> None:
        async def inside() -> None:
            act(data)

        event_loop().run_until_complete(inside())

    return run


def _run_through(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run what never waits: whatever a handler of ours awaits is done already."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise AssertionError("a handler waits for something")


class _Connection(tornado.httputil.HTTPConnection):
    """Takes in an answer."""

    def __init__(self) -> None:
        self._status = 0
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Nobody closes this."""

    def write_headers(
        self,
        start_line: tornado.httputil.RequestStartLine | tornado.httputil.ResponseStartLine,
        headers: tornado.httputil.HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        assert isinstance(start_line, tornado.httputil.ResponseStartLine)
        assert not self._status, "answered twice"
        self._status = start_line.code
        self._headers = {name.lower(): value for name, value in headers.get_all()}
        return self.write(chunk or b"")

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        self._body += chunk
        done: asyncio.Future[None] = event_loop().create_future()
        done.set_result(None)
        return done

    def finish(self) -> None:
        """All is written."""

    def answer(self) -> Answer:
        assert self._status, "not answered"
        return Answer(self._status, self._headers, bytes(self._body))


@cache
def event_loop() -> asyncio.AbstractEventLoop:
    """One for all requests, since tornado makes futures."""
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def in_memory() -> Path | None:
    """The folder that is in memory, where the system has one."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() else None


@cache
def scratch() -> Path:
    """A folder for this process; in the campaign's, who removes it, since a fuzzer just stops."""
    parent = os.environ.get(SCRATCH) or in_memory()
    place = tempfile.TemporaryDirectory(prefix="cco-fuzz-", dir=parent)
    atexit.register(place.cleanup)
    return Path(place.name)


@cache
def agents() -> tuple[Agent, ...]:
    """A few specialists of the shipped catalogue."""
    return tuple(one for one in load_markdown().agents if one.name in AGENT_NAMES)


@cache
def search_index() -> SearchIndex:
    return SearchIndex.of(agents())


@cache
def sealed_files() -> SealedSet:
    """A set of sealed files with a small roster."""
    folder = scratch() / "sealed"
    folder.mkdir(mode=0o700)
    catalogue = load_markdown()
    roster = [one.public() for one in agents()]
    return write_set(
        folder,
        IDENTITY,
        {
            "api_url": f"http://localhost:{PORT}",
            "port": PORT,
            "pid": 1,
            "token": TOKEN,
            "version": VERSION,
            "created_at": "2026-01-01T00:00:00+00:00",
            "roster": roster,
            "policy": {"nudge": catalogue.nudge},
        },
        {
            names.AGENTS: {
                "agents": [
                    {**one.public(), "keywords": list(one.keywords), "brief": one.brief}
                    for one in agents()
                ]
            },
            names.RULES: {"rules": catalogue.rules},
            names.HOOKS: {name: getattr(catalogue, name) for name in COMPACTION_TEXTS},
        },
        instance=INSTANCE,
    )


def strict_json(data: bytes) -> Any:
    """JSON as every other program reads it: UTF-8, and no NaN or Infinity in it.

    Raises: ValueError.
    """

    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is not JSON")

    return json.loads(data.decode(), parse_constant=refuse)
