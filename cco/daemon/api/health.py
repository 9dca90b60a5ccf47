"""GET /health: is it alive, and is it really ours."""

from __future__ import annotations

import hashlib
import hmac
import time
from http import HTTPStatus

from cco.daemon.handler import BaseHandler, Problem

_MAX_CHALLENGE_CHARS = 256


class HealthHandler(BaseHandler):
    """Open to all; with a challenge it proves knowledge of the token without showing it."""

    open_to_all = True

    def get(self) -> None:
        settings = self.state.sealed.settings
        document: dict[str, object] = {
            "status": "ok",
            "version": settings.version,
            "instance": settings.instance,
            "uptime_s": round(time.monotonic() - self.state.started_at, 3),
        }
        text = self.get_query_argument("challenge", None)
        if text is not None:
            try:
                challenge = bytes.fromhex(text)
            except ValueError:
                raise Problem(HTTPStatus.BAD_REQUEST, "the challenge must be hex") from None
            if not 16 <= len(challenge) <= _MAX_CHALLENGE_CHARS // 2:
                raise Problem(HTTPStatus.BAD_REQUEST, "the challenge must have 16 to 128 bytes")
            key = settings.token.encode()
            document["proof"] = hmac.new(key, challenge, hashlib.sha256).hexdigest()
        self.send(document)
