"""The rest of the API: query parameters, cursors, ids, notes, budgets, headers, the dashboard."""

from __future__ import annotations

from http import HTTPStatus

from tests.fuzz import books
from tests.fuzz.in_process import Daemon, in_loop
from tests.fuzz.script import play

WORDS = (
    *"""
    GET POST PUT DELETE HEAD OPTIONS /health?challenge= /api/v1/sessions /api/v1/agents
    /api/v1/usage /api/v1/notes /api/v1/leases /api/v1/budget /api/v1/openapi.json /metrics / /web/
    /sign-in /sign-out /api/v1/dashboard-code /api/v1/shutdown /events
    limit= cursor= project= status=running session= q= after= path= %00 %ff %2F %F0%9F%98%80
    %ED%A0%80
    text project session_id author limit_usd day handover code
    Origin: Accept: Content-Type: Content-Encoding: If-None-Match: Cookie: X-CCO-Page:
    Sec-Fetch-Site: Last-Event-ID: application/json application/openmetrics-text;q=0.5 text/plain
    """.split(),
)
_SETUP = (
    b'POST /hooks/SessionStart {"session_id": "s", "source": "startup", "cwd": "/tmp"}\n'
    b'POST /hooks/SubagentStart {"session_id": "s", "agent_id": "a", "agent_type": "cco:debugger"}'
)


@in_loop
def run(data: bytes) -> None:
    """Nothing fails, whoever has the token is let in, and all can be read afterwards."""
    daemon = Daemon()
    for _ in play(daemon, _SETUP, "/hooks/"):
        pass
    for _, _, answer in play(daemon, data, "/"):
        assert answer.status != HTTPStatus.UNAUTHORIZED, answer
    books.check(daemon)
