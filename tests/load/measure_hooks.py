"""Measure how quickly hooks are answered while a browser watches the dashboard.

    python -m tests.load.measure_hooks [--rate 200] [--sessions 20] [--seconds 30] [--form frozen]

Sessions, each on a connection of its own, send what a team at work sends: four agents' edits, and
their model calls as telemetry. When each hook is due is settled beforehand, and its time
counts from then: a daemon that stands still is not spared those that wait behind. Printed: how
long hooks took, what of the browser's time was lost to tasks over 50 ms, and whether page and API
have every call and every dollar.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.conftest import Sandbox, make_sandbox
from tests.integration.test_http_hooks import attributes

AGENTS = ("rust-engineer", "sql-engineer", "debugger", "ci-engineer")
CALL_EVERY = 5
COST_USD = 0.015625
"""A sum of binary fractions is exact in a browser, too."""
MIB = 1 << 20
_LONG_TASKS = """
window.lost_ms = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.lost_ms += task.duration;
}).observe({ type: "longtask", buffered: true });
"""


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


@contextmanager
def watching(place: Sandbox, home: Path) -> Iterator[Page]:
    """A page of the dashboard, signed in, whose long tasks are counted."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], env={"HOME": str(home)}
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(_LONG_TASKS)
        page.goto(place.ok("dashboard", "--print-url").strip())
        expect(page.locator("#connection")).to_have_text("Live")
        yield page
        browser.close()


def measure(place: Sandbox, home: Path, rate: float, sessions: int, seconds: float) -> None:
    place.ok("daemon", "start")
    process = psutil.Process(place.sealed().settings.pid)
    with watching(place, home) as page:
        teams = [Team(place, number, rate / sessions, seconds) for number in range(sessions)]
        began = time.perf_counter() + 0.5
        for number, team in enumerate(teams):
            team.begins_at = began + number * team.interval_s / sessions
            team.start()
        for team in teams:
            while team.is_alive():
                page.wait_for_timeout(100)
        took_s = time.perf_counter() - began
        calls = sum(team.calls for team in teams)
        page.evaluate("location.hash = '#/costs'")
        shown = page.locator(".figures data").first
        expect(shown).to_have_attribute("value", f"{calls * COST_USD:.10g}", timeout=30_000)
        lost_ms = page.evaluate("window.lost_ms")
    ordered = sorted(one for team in teams for one in team.took_s)
    told = [f"{name} {ordered[int((len(ordered) - 1) * share)] * 1e3:.1f} ms"
            for name, share in (("median", 0.5), ("99 %", 0.99), ("slowest", 1.0))]  # fmt: skip
    print(f"{len(ordered):,} hooks in {took_s:.1f} s of {sessions} sessions: {', '.join(told)}")
    print(f"not answered with 200: {sum(team.failed for team in teams)}")
    print(f"browser: {lost_ms:.0f} ms in tasks over 50 ms")
    total = place.request("GET", "/api/v1/usage").json()["total"]
    exact = total["calls"] == calls and total["cost_usd"] == calls * COST_USD
    print(f"{calls:,} model calls; figures of API and page {'exact' if exact else 'WRONG'}")
    times = process.cpu_times()
    print(f"daemon: {times.user + times.system:.1f} s of processor time, "
          f"{process.memory_info().rss / MIB:.1f} MiB resident")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=200, help="hooks a second, all together")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--form", choices=("source", "frozen"), default="source")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cco-load-") as folder:
        place = make_sandbox(options.form, Path(folder) / "box")
        try:
            measure(place, Path(folder), options.rate, options.sessions, options.seconds)
        finally:
            place.close()


if __name__ == "__main__":
    main()
