"""The sealed history: lines of anything behind a good header, sealed with the right keys."""

from __future__ import annotations

import json
import os

from cco.daemon.history import restored
from cco.ledger.state import LedgerState
from cco.sealing import names
from cco.sealing.journal import _Chain
from tests.fuzz import books
from tests.fuzz.in_process import IDENTITY, INSTANCE, NOW, Daemon, in_loop, scratch

WORDS = (
    *"""
    kind session session_id memory gone runs seen totals foreign fold orchestrated note number
    no_note last_note document name project text author path created_at agent_id parent_id
    description status running done lost started_at ended_at last_seen_at tool_calls usage model
    other_models models hours past_agents own_usage agents agent_models projects total sessions
    came_back launch_id first_request latest_requests plan decisions tasks subject failing edited
    reports budgets launches set day AAAAAAAAAAA=
    """.split(),
)


@in_loop
def run(data: bytes) -> None:
    """It is refused whole, or makes a ledger that can be read, added to and written down."""
    header = {"format": 1, "instance": INSTANCE.hex(), "previous": None, "version": "1"}
    chain = _Chain(names.HISTORY, IDENTITY)
    sealed = chain.seal(json.dumps(header).encode(), bytes(16))
    for number, part in enumerate(data.split(b"\n\n")[:4], 1):
        sealed += chain.seal(part, bytes([number]) * 16)
    path = scratch() / names.HISTORY
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(sealed)
    state = restored(path, IDENTITY, previous=INSTANCE.hex(), kept=False)
    daemon = Daemon(ledger=state.ledger)
    state.keep("budgets", daemon.state.budgets)
    list(state.changes())
    books.check_pages(daemon)
    books.check_written_down(daemon.ledger)
    for session in daemon.ledger.sessions():
        body = {"session_id": session.session_id, "source": "compact", "cwd": "/tmp"}
        for event in ("UserPromptSubmit", "PreCompact", "SessionStart", "StatusLine"):
            answer = daemon.json("POST", f"/hooks/{event}", body)
            assert answer.status == (200 if session.session_id else 400), answer
    daemon.now = NOW + 60
    books.check_pages(daemon)
    assert list(LedgerState(daemon.ledger).everything())
