"""The checks that every request passes first, and how answers and errors are sent."""

from __future__ import annotations

import hmac
import json
from asyncio import Future
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NoReturn

import tornado.web

from cco.daemon.dashboard.browser import may_read
from cco.daemon.log import LOG
from cco.daemon.state import State
from cco.errors import CcoError

_SAFE_METHODS = frozenset(("GET", "HEAD"))
_HEADERS = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


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
        more: dict[str, str] = {}
        if isinstance(error, Problem):
            status_code, detail = error.status, error.detail
            for name, value in error.headers.items():
                self.set_header(name, value)
            more = {"parameter": error.parameter} if error.parameter else {}
        elif isinstance(error, CcoError):
            status_code, detail = error.http_status, str(error)
            more = {"advice": error.advice} if error.advice else {}
        self.set_status(status_code)
        if status_code == HTTPStatus.UNAUTHORIZED:
            self.set_header("WWW-Authenticate", "Bearer")
        self.set_header("Content-Type", "application/problem+json")
        problem = {
            "type": "about:blank",
            "title": HTTPStatus(status_code).phrase,
            "status": int(status_code),
            "detail": detail,
            **more,
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


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
