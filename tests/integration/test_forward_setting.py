"""Telemetry that the daemon passes on, where a user has set a collector."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.collector import Collector
from tests.conftest import Sandbox, free_port, wait_until


def call(session: str = "s", sequence: int = 1) -> dict[str, Any]:
    """One call of the model, as the client tells it."""
    attributes = {
        "event.name": "api_request",
        "event.sequence": str(sequence),
        "session.id": session,
        "model": "claude-sonnet",
        "cost_usd": "0.5",
        "input_tokens": "1000",
    }
    listed = [{"key": key, "value": {"stringValue": text}} for key, text in attributes.items()]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"attributes": listed}]}]}]}


def test_the_daemon_passes_on_what_it_accepted(sandbox: Sandbox, collector: Collector) -> None:
    sandbox.configure(
        f'[forward]\nurl = "{collector.url}"\nheaders = {{ Authorization = "Bearer my-secret" }}\n'
    )
    sandbox.ok("daemon", "start")
    body = json.dumps(call()).encode()
    assert sandbox.request("POST", "/v1/logs", body).status == 200
    assert sandbox.request("POST", "/v1/metrics", b'{"resourceMetrics": []}').status == 200
    assert sandbox.request("POST", "/v1/logs", b'{"resourceLogs": 1}').status == 400
    wait_until(lambda: len(collector.received) == 2, "both bodies")
    found = {path: (headers, body) for path, headers, body in collector.received}
    assert found["/v1/logs"][1] == body
    assert found["/v1/metrics"][1] == b'{"resourceMetrics": []}'
    for headers, _ in found.values():
        assert headers["authorization"] == "Bearer my-secret", "never the daemon's own token"
    told = 'cco_forward_bodies_total{outcome="delivered"} 2'  # once their answers have arrived
    wait_until(lambda: told in sandbox.request("GET", "/metrics").body.decode(), told)
    sandbox.ok("daemon", "stop")
    assert "my-secret" not in sandbox.log()


def test_without_a_collector_the_daemon_works_on_and_says_what_it_lost(sandbox: Sandbox) -> None:
    sandbox.configure(f'[forward]\nurl = "http://127.0.0.1:{free_port()}"\n')
    sandbox.ok("daemon", "start")
    sandbox.hook("SessionStart")
    for number in range(1_050):
        body = json.dumps(call(sequence=number)).encode()
        assert sandbox.request("POST", "/v1/logs", body).status == 200
    assert sandbox.request("GET", "/api/v1/usage").json()["total"]["calls"] == 1_050
    lines = sandbox.request("GET", "/metrics").body.decode().splitlines()
    assert 'cco_forward_bodies_total{outcome="no_room"} 50' in lines
    assert "cco_forward_queue_bodies 1000" in lines
    sandbox.ok("daemon", "stop")
    told = [line for line in sandbox.log().splitlines() if "forwarding to 127.0.0.1" in line]
    assert len(told) <= 1 + 1 + 5, "once a minute, and at the end"
    assert "1000 bodies undelivered" in told[-1]
    assert "Traceback" not in sandbox.log()


@pytest.mark.parametrize(
    "text",
    [
        'url = "ftp://host"',
        'url = "http://host/?key=1"',
        'url = "http://user:secret@host"',
        'url = "http://host"\nheaders = { "a b" = "c" }',
        'url = "http://host"\nheaders = { Host = "c" }',
        'url = "http://host"\nheaders = { a = "b\\nc" }',
        'url = "http://host"\nheaders = { a = "é" }',
    ],
)
def test_a_setting_that_cannot_work_is_refused(source_sandbox: Sandbox, text: str) -> None:
    source_sandbox.configure(f"[forward]\n{text}\n")
    result = source_sandbox.run("daemon", "start")
    assert result.code == 10
    assert "forward." in result.err
    assert "secret" not in result.err
