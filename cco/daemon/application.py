"""The tornado application: its routes, and the checks that every request passes first."""

from __future__ import annotations

import hmac
import json
import time
from asyncio import Future
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NoReturn

import tornado.httputil
import tornado.web

from cco.daemon.briefing import Briefing
from cco.daemon.guards import Guard
from cco.daemon.hints import Hints
from cco.daemon.log import LOG
from cco.errors import CcoError
from cco.ledger.ledger import Ledger
from cco.sealing.sealed_set import SealedSet

MAX_BODY_BYTES = 32 * 1024 * 1024
_SAFE_METHODS = frozenset(("GET", "HEAD"))
_HEADERS = {
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
    hints: Hints | None = None
    guards: Sequence[Guard] = ()
    started_at: float = field(default_factory=time.monotonic)

    @property
    def port(self) -> int:
        return self.sealed.settings.port


class Problem(Exception):
    """An answer that is an error.

    Source: RFC 9457.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class BaseHandler(tornado.web.RequestHandler):
    """Checks, in order: Host, token, Origin, content type. Deny by default."""

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
        if self.request.method not in _SAFE_METHODS:
            self._check_origin()
            self._check_content_type()

    def _check_host(self) -> None:
        port = self.state.port
        hosts = (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}")
        if self.request.headers.get_list("Host") not in [[host] for host in hosts]:
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "this Host is not served here")

    def _check_token(self) -> None:
        expected = f"Bearer {self.state.sealed.settings.token}"
        given = self.request.headers.get_list("Authorization")
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), expected.encode()):
            raise Problem(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong")

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
        return self.finish(
            json.dumps(document, ensure_ascii=False, indent=1).encode(errors="replace")
        )

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """Decode a part of the address; nonsense names nothing, and is told so after the checks."""
        return value.decode(errors="replace")

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        detail = HTTPStatus(status_code).phrase
        if isinstance(error, Problem):
            status_code, detail = error.status, error.detail
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


def make_application(state: State) -> tornado.web.Application:
    """Put the routes together."""
    from cco.daemon import control, health, hooks, resources, telemetry

    return tornado.web.Application(
        [
            (r"/health", health.HealthHandler),
            (r"/hooks/([A-Za-z]{1,40})", hooks.HookHandler),
            (r"/v1/logs", telemetry.LogsHandler),
            (r"/v1/metrics", telemetry.MetricsHandler),
            (r"/api/v1/sessions", resources.SessionsHandler),
            (r"/api/v1/sessions/([^/]{1,200})", resources.SessionHandler),
            (r"/api/v1/agents", resources.AgentsHandler),
            (r"/api/v1/agents/([^/]{1,100})", resources.AgentHandler),
            (r"/api/v1/usage", resources.UsageHandler),
            (r"/api/v1/shutdown", control.ShutdownHandler),
        ],
        default_handler_class=NotFoundHandler,
        state=state,
        log_function=lambda handler: None,
        compress_response=False,
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
