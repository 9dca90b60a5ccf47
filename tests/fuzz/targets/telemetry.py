"""OTLP/HTTP JSON, through the daemon's own handlers, and what it comes to."""

from __future__ import annotations

import json

from cco.errors import UsageInvalid
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import decode_logs, decode_metrics
from tests.fuzz import books
from tests.fuzz.in_process import Daemon, in_loop
from tests.fuzz.script import play

WORDS = (
    *"""
    POST /v1/logs /v1/metrics /hooks/SubagentStart
    resourceLogs scopeLogs logRecords attributes key value stringValue intValue doubleValue
    boolValue resourceMetrics scopeMetrics metrics name sum dataPoints asDouble asInt
    event.name event.sequence event.timestamp session.id model agent_id cost_usd input_tokens
    output_tokens cache_read_tokens cache_creation_tokens duration_ms api_request api_error
    claude_code.active_time.total session_id agent_type cco:debugger
    """.split(),
)


@in_loop
def run(data: bytes) -> None:
    """Send it, read it, and send it again: what has a sequence counts once."""
    daemon = Daemon()
    for path, body, answer in play(daemon, data, "/v1/", "/hooks/"):
        if path.startswith("/v1/"):
            assert answer.status in (200, 400, 404, 405, 415), answer
            if answer.status == 200:
                check_decoded(body)
    books.check(daemon)


def check_decoded(body: bytes) -> None:
    """A body that was taken decodes to scalars; delivered twice it counts as once."""
    document = json.loads(body)
    once, twice = Ledger(clock=lambda: 1.0), Ledger(clock=lambda: 1.0)
    try:
        records = list(decode_logs(document))
        points = list(decode_metrics(document))
    except UsageInvalid:  # of the other signal's kind
        return
    for point in points:
        assert isinstance(point.value, float)
    numbered = [one for one in records if one.attributes.get("event.sequence") is not None]
    for ledger, times in ((once, 1), (twice, 2)):
        for record in numbered * times:
            assert all(isinstance(v, (str, int, float)) for v in record.attributes.values())
            ledger.record_log(record)
    assert books.told(once) == books.told(twice)
