"""Who may read the API from a browser: codes that open the dashboard once, and who came in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

CODE_S = 60
IDLE_S = 12 * 3_600
MAX_CODES = 8
MAX_BROWSERS = 16
MAX_FAILURES = 10
FAILURES_S = 60
_SECRET_BYTES = 16
_MAX_CODE_CHARS = 100


@dataclass
class _Code:
    digest: bytes
    ends_at: float
    opened: bytes | None = None
    """The browser that came in with it."""


@dataclass(frozen=True)
class Pass:
    """What a browser shows with every request: both, and neither alone."""

    cookie: str
    page_key: str
    """Kept by the page. Cookies go to every port of a host, this to ours alone."""


class TooManyFailures(Exception):
    """Too many wrong codes came lately."""


class SignIns:
    """Codes and browsers, in memory only, all bounded and all with an end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._codes: deque[_Code] = deque(maxlen=MAX_CODES)
        self._browsers: OrderedDict[bytes, float] = OrderedDict()
        """When each was last here, the longest absent first."""
        self._failures: deque[float] = deque(maxlen=MAX_FAILURES)

    def new_code(self) -> str:
        """Make a code; the oldest makes room where there are too many."""
        code = secrets.token_urlsafe(_SECRET_BYTES)
        self._codes.append(_Code(_digest(code), self._clock() + CODE_S))
        return code

    def redeem(self, code: str) -> Pass | None:
        """Let a browser in for a code, once.

        A code that comes again was seen by somebody else, who may have been the first: it then
        ends what it opened. Whoever sends wrong codes is held back, and nobody else: a right one
        has 128 bits.
        Raises: TooManyFailures.
        """
        now = self._clock()
        given = _digest(code[:_MAX_CODE_CHARS])
        fitting = [one for one in self._codes if hmac.compare_digest(one.digest, given)]
        found = fitting[0] if fitting else None
        if found is None or found.ends_at <= now or found.opened is not None:
            if found is not None and found.opened is not None:
                self._browsers.pop(found.opened, None)
            if len(self._failures) == MAX_FAILURES and now - self._failures[0] < FAILURES_S:
                raise TooManyFailures
            self._failures.append(now)
            return None
        new = Pass(secrets.token_urlsafe(_SECRET_BYTES), secrets.token_urlsafe(_SECRET_BYTES))
        found.opened = _digest(new.cookie, new.page_key)
        self._browsers[found.opened] = now
        while len(self._browsers) > MAX_BROWSERS:
            self._browsers.popitem(last=False)
        return new

    def admits(self, cookie: str, page_key: str) -> bool:
        """Whether a browser came in before and was not away for too long."""
        who, now = _digest(cookie, page_key), self._clock()
        last_seen = self._browsers.pop(who, None)
        if last_seen is None or now - last_seen >= IDLE_S:
            return False
        self._browsers[who] = now
        return True

    def sign_out(self, cookie: str, page_key: str) -> None:
        """Let a browser in no more."""
        self._browsers.pop(_digest(cookie, page_key), None)


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).digest()
