"""What tells that a request comes from the dashboard's page in a browser that is signed in."""

from __future__ import annotations

import re
import secrets
from itertools import islice

from tornado.httputil import HTTPServerRequest

from cco.daemon.dashboard.sign_in import SignIns

MAX_COOKIES = 256
PAGE_KEY_HEADER = "X-CCO-Page"
READABLE = "/api/v1/"
"""What such a browser may read; all else stays with the token."""


def may_read(request: HTTPServerRequest, sign_ins: SignIns, port: int) -> bool:
    """Whether this is a page of ours in a browser that is signed in, and it only reads the API."""
    if request.method not in ("GET", "HEAD") or not request.path.startswith(READABLE):
        return False
    return any(sign_ins.admits(*one) for one in shown(request, port))


def new_cookie_name(port: int) -> str:
    """One for each port, and each sign-in: browsers do not tell the ports of a host apart, and a
    program on another one could set a cookie over ours."""
    return f"cco-{port}-{secrets.token_hex(4)}"


def cookies(request: HTTPServerRequest, port: int) -> list[tuple[str, str]]:
    """The name and value of each cookie that may be ours, the latest first; others may have
    planted some, also of the same name."""
    ours = re.compile(rf"(cco-{port}-[0-9a-f]{{8}})=([A-Za-z0-9_-]{{1,100}})")
    told = "; ".join(request.headers.get_list("Cookie")).split(";")
    found = (ours.fullmatch(one.strip()) for one in reversed(told))
    return [(one[1], one[2]) for one in islice(filter(None, found), MAX_COOKIES)]


def shown(request: HTTPServerRequest, port: int) -> list[tuple[str, str]]:
    """What a page of ours may have come in with: each cookie, with the page's key."""
    keys = request.headers.get_list(PAGE_KEY_HEADER)
    if len(keys) != 1 or not is_own_page(request):
        return []
    return [(value, keys[0]) for _, value in cookies(request, port)]


def is_own_page(request: HTTPServerRequest) -> bool:
    """Whether a browser says nothing against that the request comes from a page of this origin."""
    origins = request.headers.get_list("Origin")
    sites = request.headers.get_list("Sec-Fetch-Site")
    own = f"http://{request.headers.get('Host', '')}"
    return all(one == own for one in origins) and all(one == "same-origin" for one in sites)
