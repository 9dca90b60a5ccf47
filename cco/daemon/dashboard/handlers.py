"""GET / and what belongs to it: the dashboard's files, and signing in to it with a code."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from cco.daemon.dashboard.browser import cookies, is_own_page, new_cookie_name, shown
from cco.daemon.dashboard.sign_in import CODE_S, FAILURES_S, TooManyFailures
from cco.daemon.handler import BaseHandler, Problem
from cco.daemon.log import LOG
from cco.errors import DaemonError

_FOLDER = Path(__file__).parents[2] / "web"
_INDEX = "index.html"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_MAX_SIGN_IN_BYTES = 1_024


class File(NamedTuple):
    """One file of the dashboard."""

    content_type: str
    etag: str
    body: bytes


@cache
def files() -> dict[str, File]:
    """Every file by its name, read once: a program's unpacked copy may be cleared away."""
    found = {}
    for path in sorted(_FOLDER.rglob("*")):
        if path.is_file() and path.suffix in _TYPES:
            body = path.read_bytes()
            etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            name = path.relative_to(_FOLDER).as_posix()
            found[name] = File(_TYPES[path.suffix], etag, body)
    if _INDEX not in found:
        raise DaemonError("the dashboard's files are gone", advice="Run: cco daemon restart")
    return found


class PageHandler(BaseHandler):
    """The page, the same for `/` and `/sign-in`: it holds nothing that is not public."""

    open_to_all = True

    def get(self, name: str = _INDEX) -> None:
        file = files().get(name)
        if file is None:
            raise Problem(HTTPStatus.NOT_FOUND, "there is nothing here")
        self.set_header("Content-Type", file.content_type)
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("ETag", file.etag)
        if self.check_etag_header():
            self.set_status(HTTPStatus.NOT_MODIFIED)
            self.finish()
            return
        self.finish(file.body)


class CodeHandler(BaseHandler):
    """Makes a code for whoever has the token."""

    def post(self) -> None:
        self.json_object()
        code = self.state.sign_ins.new_code()
        url = f"http://127.0.0.1:{self.state.port}/sign-in#{code}"
        self.send({"code": code, "url": url, "expires_in_s": CODE_S})


class SignInHandler(PageHandler):
    """Lets a browser in for a code."""

    def post(self) -> None:
        _check_own_page(self)
        code = self.json_object().get("code")
        try:
            new = self.state.sign_ins.redeem(code) if isinstance(code, str) else None
        except TooManyFailures:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too many wrong codes; wait a minute",
                headers={"Retry-After": str(FAILURES_S)},
            ) from None
        if new is None:
            LOG.warning("a sign-in to the dashboard was refused")
            raise Problem(HTTPStatus.FORBIDDEN, "this code is unknown, used or too old")
        LOG.info("a browser signed in to the dashboard")
        _remove_cookies(self)
        _add_cookie(self, f"{new_cookie_name(self.state.port)}={new.cookie}")
        self.send({"page_key": new.page_key})


class SignOutHandler(BaseHandler):
    """Lets the browser that asks in no more."""

    open_to_all = True

    def post(self) -> None:
        _check_own_page(self)
        self.json_object()
        for given in shown(self.request, self.state.port):
            self.state.sign_ins.sign_out(*given)
        _remove_cookies(self)
        self.send({"status": "signed out"})


def _check_own_page(handler: BaseHandler) -> None:
    """Let only our own page in a browser change anything, and only with little."""
    if not handler.request.headers.get("Origin") or not is_own_page(handler.request):
        raise Problem(HTTPStatus.FORBIDDEN, "only the dashboard's own page may do this")
    if len(handler.request.body) > _MAX_SIGN_IN_BYTES:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")


def _remove_cookies(handler: BaseHandler) -> None:
    """Have the browser forget the cookies of earlier sign-ins."""
    for name in {name for name, _ in cookies(handler.request, handler.state.port)}:
        _add_cookie(handler, f"{name}=", "; Max-Age=0")


def _add_cookie(handler: BaseHandler, cookie: str, more: str = "") -> None:
    handler.add_header("Set-Cookie", f"{cookie}; HttpOnly; SameSite=Strict; Path=/{more}")
