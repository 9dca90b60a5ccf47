"""One session that works at a steady pace, and sends what a session sends."""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import Any

from tests.conftest import Sandbox
from tests.integration.test_http_hooks import attributes

AGENTS = ("rust-engineer", "database-engineer", "debugger", "ci-engineer")
CALL_EVERY = 5
COST_USD = 0.015625
"""A sum of binary fractions is exact in a browser, too."""


class Team(threading.Thread):
    """One session that works at a steady pace."""

    def __init__(self, place: Sandbox, number: int, rate: float, seconds: float) -> None:
        super().__init__()
        settings = place.sealed().settings
        self.session_id = f"load-{number:03}"
        self.port, self.token = settings.port, settings.token
        self.interval_s, self.hooks = 1 / rate, int(rate * seconds)
        self.begins_at = 0.0
        self.took_s: list[float] = []
        self.calls = 0
        self.failed = 0

    def run(self) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for number in range(self.hooks):
            due = self.begins_at + number * self.interval_s
            time.sleep(max(0.0, due - time.perf_counter()))
            self._send(*self._event(number))
            self.took_s.append(time.perf_counter() - due)
            if number % CALL_EVERY == 0:
                self._call(number)
        self._send("SessionEnd", {"reason": "other"})
        self._connection.close()

    def _event(self, number: int) -> tuple[str, dict[str, Any]]:
        if number == 0:
            return "SessionStart", {"source": "startup", "cwd": f"/home/ada/{self.session_id}"}
        if number <= len(AGENTS):
            agent = {"agent_id": self._agent(number), "agent_type": f"cco:{AGENTS[number - 1]}"}
            return "SubagentStart", agent
        event = "PreToolUse" if number % 2 else "PostToolUse"
        tool_input = {"file_path": f"/home/ada/{self.session_id}/module_{number // 2 % 40}.py"}
        told = {"agent_id": self._agent(number // 2), "tool_use_id": f"t{number // 2}"}
        return event, {**told, "tool_name": "Edit", "tool_input": tool_input}

    def _agent(self, number: int) -> str:
        return f"{self.session_id}-{number % len(AGENTS)}"

    def _send(self, event: str, payload: dict[str, Any]) -> None:
        common = {"session_id": self.session_id, "hook_event_name": event}
        self._post(f"/hooks/{event}", {**common, **payload})

    def _call(self, number: int) -> None:
        record = {
            "event__name": "api_request",
            "session__id": self.session_id,
            "event__sequence": number,
            "model": "claude-sonnet-4-7",
            "input_tokens": 1_000,
            "output_tokens": 200,
            "cost_usd": COST_USD,
            "agent_id": self._agent(number),
        }
        logs = [{"attributes": attributes(**record)}]
        self._post("/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": logs}]}]})
        self.calls += 1

    def _post(self, path: str, document: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self._connection.request("POST", path, json.dumps(document), headers)
        answer = self._connection.getresponse()
        answer.read()
        self.failed += answer.status != 200
