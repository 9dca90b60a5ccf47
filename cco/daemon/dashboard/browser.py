"""What tells that a request comes from the dashboard's page in a browser that is signed in."""

from __future__ import annotations

from tornado.httputil import HTTPServerRequest

from cco.daemon.dashboard.sign_in import SignIns

PAGE_KEY_HEADER = "X-CCO-Page"
READABLE = "/api/v1/"
"""What such a browser may read; all else stays with the token."""


def may_read(request: HTTPServerRequest, sign_ins: SignIns, port: int) -> bool:
    """Whether this is a page of ours in a browser that is signed in, and it only reads the API."""
    if request.method not in ("GET", "HEAD") or not request.path.startswith(READABLE):
        return False
    given = shown(request, port)
    return given is not None and sign_ins.admits(*given)


def cookie_name(port: int) -> str:
    """One for each port: browsers do not tell the ports of a host apart."""
    return f"cco-{port}"


def shown(request: HTTPServerRequest, port: int) -> tuple[str, str] | None:
    """The cookie and the page's key, where one page of ours sends them."""
    keys = request.headers.get_list(PAGE_KEY_HEADER)
    cookie = request.cookies.get(cookie_name(port))
    if len(keys) != 1 or cookie is None or not is_own_page(request):
        return None
    return cookie.value, keys[0]


def is_own_page(request: HTTPServerRequest) -> bool:
    """Whether a browser says nothing against that the request comes from a page of this origin."""
    origins = request.headers.get_list("Origin")
    sites = request.headers.get_list("Sec-Fetch-Site")
    own = f"http://{request.headers.get('Host', '')}"
    return all(one == own for one in origins) and all(one == "same-origin" for one in sites)
