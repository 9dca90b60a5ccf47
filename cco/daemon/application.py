"""The tornado application: its routes, and the checks that every request passes first."""

from __future__ import annotations

import hmac
import json
import time
from asyncio import Future
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

import tornado.httputil
import tornado.web

from cco.catalogue.search import SearchIndex
from cco.daemon.briefing import Briefing
from cco.daemon.browser import may_read
from cco.daemon.disk import Disk
from cco.daemon.guards import Guard, Observer
from cco.daemon.hints import Hints
from cco.daemon.log import LOG
from cco.daemon.mcp.callers import Callers
from cco.daemon.sign_in import SignIns
from cco.daemon.streams import Streams
from cco.errors import CcoError
from cco.ledger.budget import Budgets
from cco.ledger.edits import Edits
from cco.ledger.ledger import Ledger
from cco.sealing.sealed_set import SealedSet

if TYPE_CHECKING:  # it loads an HTTP client, which few need
    from cco.daemon.forward import Forwarder

MAX_BODY_BYTES = 32 * 1024 * 1024
_SAFE_METHODS = frozenset(("GET", "HEAD"))
_HEADERS = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass
class State:
    """What the handlers share."""

    sealed: SealedSet
    briefing: Briefing
    ledger: Ledger
    stop: Any
    """Called with `handover` to end the daemon."""
    budgets: Budgets
    hints: Hints | None = None
    guards: Sequence[Guard] = ()
    forwarder: Forwarder | None = None
    observers: Sequence[Observer] = ()
    disk: Disk = field(default_factory=Disk)
    edits: Edits = field(default_factory=Edits)
    index: SearchIndex = field(default_factory=lambda: SearchIndex.of(()))
    streams: Streams = field(default_factory=Streams)
    callers: Callers = field(default_factory=Callers)
    sign_ins: SignIns = field(default_factory=SignIns)
    started_at: float = field(default_factory=time.monotonic)

    @property
    def port(self) -> int:
        return self.sealed.settings.port


class Problem(Exception):
    """An answer that is an error.

    Source: RFC 9457.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        parameter: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.parameter = parameter
        """The query parameter that is at fault."""
        self.headers = headers or {}


class BaseHandler(tornado.web.RequestHandler):
    """Checks, in order: Host, token, method, Origin, content type. Deny by default."""

    open_to_all = False

    @property
    def state(self) -> State:
        state = self.settings["state"]
        assert isinstance(state, State)
        return state

    def prepare(self) -> None:
        self._check_host()
        if not self.open_to_all:
            self._check_token()
        self._check_method()
        if self.request.method not in _SAFE_METHODS:
            self._check_origin()
            self._check_content_type()

    def _check_host(self) -> None:
        port = self.state.port
        hosts = (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}")
        if self.request.headers.get_list("Host") not in [[host] for host in hosts]:
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "this Host is not served here")

    def _check_token(self) -> None:
        if may_read(self.request, self.state.sign_ins, self.state.port):
            return
        expected = f"Bearer {self.state.sealed.settings.token}"
        given = self.request.headers.get_list("Authorization")
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), expected.encode()):
            raise Problem(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong")

    def _check_method(self) -> None:
        methods = allowed_methods(type(self))
        if self.request.method not in methods:
            allow = {"Allow": ", ".join(methods)}
            detail = f"this takes {allow['Allow']} only"
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers=allow)

    def head(self, *path: str) -> Any:
        """Answer as to GET, without the body."""
        return self.get(*path)

    def _check_origin(self) -> None:
        port = self.state.port
        allowed = (f"http://127.0.0.1:{port}", f"http://localhost:{port}", f"http://[::1]:{port}")
        for origin in self.request.headers.get_list("Origin"):
            if origin not in allowed:
                raise Problem(HTTPStatus.FORBIDDEN, "this Origin may not write here")

    def _check_content_type(self) -> None:
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
        encoding = self.request.headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity":
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "compressed bodies are not accepted")

    def json_body(self) -> Any:
        """The body as JSON.

        Raises: Problem.
        """
        try:
            text = self.request.body.decode()  # as bytes, UTF-16 would do as well
            return json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise Problem(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises: Problem.
        """
        document = self.json_body()
        if not isinstance(document, dict):
            raise Problem(HTTPStatus.BAD_REQUEST, "the body is not a JSON object")
        return document

    def send(self, document: Any, status: int = HTTPStatus.OK) -> Future[None]:
        """Answer with JSON; done when it is written."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        return self.finish(json.dumps(document, ensure_ascii=False).encode(errors="replace"))

    def compute_etag(self) -> str | None:
        """None: answers are not to be stored."""
        return None

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Decode a part of the address; nonsense names nothing, and is told so after the checks."""
        return value.decode(errors="replace")

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if self.request.method not in self.SUPPORTED_METHODS:  # refused before it was prepared
            try:
                self.prepare()
            except Problem as refusal:
                error = refusal
        detail = HTTPStatus(status_code).phrase
        parameter: dict[str, str] = {}
        if isinstance(error, Problem):
            status_code, detail = error.status, error.detail
            for name, value in error.headers.items():
                self.set_header(name, value)
            parameter = {"parameter": error.parameter} if error.parameter else {}
        elif isinstance(error, CcoError):
            status_code, detail = error.http_status, str(error)
        self.set_status(status_code)
        if status_code == HTTPStatus.UNAUTHORIZED:
            self.set_header("WWW-Authenticate", "Bearer")
        self.set_header("Content-Type", "application/problem+json")
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(status_code).phrase,
            "status": int(status_code),
            "detail": detail,
            **parameter,
        }
        self.finish(json.dumps(problem).encode())

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if isinstance(value, CcoError):
            LOG.warning("%s: %s", self.request.path, value)
        elif not isinstance(value, (Problem, tornado.web.HTTPError)):
            LOG.error("%s failed: %s", type(self).__name__, typ.__name__, exc_info=(typ, value, tb))


class NotFoundHandler(BaseHandler):
    """Everything that has no route: unknown to strangers and to friends alike."""

    def prepare(self) -> None:
        self._check_host()
        self._check_token()
        raise Problem(HTTPStatus.NOT_FOUND, "there is nothing here")


def allowed_methods(handler: type[tornado.web.RequestHandler]) -> tuple[str, ...]:
    """The methods that a handler answers to; HEAD wherever GET is."""
    base = tornado.web.RequestHandler
    methods = {
        method
        for method in base.SUPPORTED_METHODS
        if getattr(handler, method.lower()) is not getattr(base, method.lower())
    }
    return tuple(sorted(methods - ({"HEAD"} if "GET" not in methods else set())))


def make_application(state: State) -> tornado.web.Application:
    """Put the routes together."""
    from cco.daemon import (
        budget_resource,
        control,
        dashboard,
        events,
        health,
        hooks,
        metrics,
        notes,
        resources,
        telemetry,
    )
    from cco.daemon.conflicts import LeasesHandler
    from cco.daemon.mcp.handler import McpHandler
    from cco.daemon.openapi.handler import DescriptionHandler

    measured = metrics.Metrics()
    return tornado.web.Application(
        [
            (r"/health", health.HealthHandler),
            (r"/hooks/([A-Za-z]{1,40})", hooks.HookHandler),
            (r"/v1/logs", telemetry.LogsHandler),
            (r"/v1/metrics", telemetry.MetricsHandler),
            (r"/metrics", metrics.ExpositionHandler),
            (r"/api/v1/sessions", resources.SessionsHandler),
            (r"/api/v1/sessions/([^/]{1,200})", resources.SessionHandler),
            (r"/api/v1/sessions/([^/]{1,200})/events", events.SessionEventsHandler),
            (r"/api/v1/events", events.EventsHandler),
            (r"/api/v1/agents", resources.AgentsHandler),
            (r"/api/v1/agents/([^/]{1,100})", resources.AgentHandler),
            (r"/api/v1/usage", resources.UsageHandler),
            (r"/api/v1/notes", notes.NotesHandler),
            (r"/api/v1/notes/([^/]{1,20})", notes.NoteHandler),
            (r"/mcp", McpHandler),
            (r"/api/v1/budget", budget_resource.BudgetHandler),
            (r"/api/v1/leases", LeasesHandler),
            (r"/api/v1/shutdown", control.ShutdownHandler),
            (r"/api/v1/openapi.json", DescriptionHandler),
            (r"/api/v1/dashboard-code", dashboard.CodeHandler),
            (r"/", dashboard.PageHandler),
            (r"/sign-in", dashboard.SignInHandler),
            (r"/sign-out", dashboard.SignOutHandler),
            (r"/web/([a-zA-Z0-9._/-]{1,100})", dashboard.PageHandler),
        ],
        default_handler_class=NotFoundHandler,
        state=state,
        metrics=measured,
        log_function=measured.count,
        compress_response=False,
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
