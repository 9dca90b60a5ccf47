"""Measure the daemon's memory under a million events, and what it costs to keep them.

    python -m tests.load.measure_ledger [--events 1000000] [--hook-share 0.1]

A daemon of its own gets hooks (each a request) and telemetry (a hundred records a request) of
2,000 sessions with 20 agents each, at most 20 sessions at a time. Printed: resident memory and the
size of the history as it goes, the slowest health probe, and whether every figure is exact.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from cco.sealing import names
from tests.conftest import Sandbox, make_sandbox

SESSIONS = 2_000
AGENTS_PER_SESSION = 20
AT_A_TIME = 20
BATCH = 100
MODELS = ("claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5")
SPECIALISTS = [f"specialist-{number}" for number in range(119)]
"""None of cco's own: no brief is unsealed for them, which is not what is measured here."""
COST_NANOUSD = 1_234_567
MIB = 1 << 20


class Load:
    """Makes the events, and knows what they must add up to."""

    def __init__(self, events: int, hook_share: float) -> None:
        self.per_session = events // SESSIONS
        self.hook_share = hook_share
        self.calls = 0
        self.sequence = 0
        self.random = random.Random(5)

    def requests(self) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Path, body and number of events of each request."""
        for first in range(0, SESSIONS, AT_A_TIME):
            together = [self._session(number) for number in range(first, first + AT_A_TIME)]
            while together:
                for one in list(together):
                    request = next(one, None)
                    if request is None:
                        together.remove(one)
                    else:
                        yield request

    def _session(self, number: int) -> Iterator[tuple[str, dict[str, Any], int]]:
        session_id = f"{number:08x}-5a5a-4b4b-8c8c-0123456789ab"
        common = {"session_id": session_id, "cwd": f"/home/ana/projects/project-{number % 40}"}
        prompt = "Make the report of the quarter " + "faster " * 60
        yield from self._hook("SessionStart", common, source="startup", model=MODELS[0])
        yield from self._hook("UserPromptSubmit", common, prompt=prompt)
        agents = [f"a{number:05x}{index:011x}" for index in range(AGENTS_PER_SESSION)]
        for index, agent_id in enumerate(agents):
            name = SPECIALISTS[(number + index) % len(SPECIALISTS)]
            yield from self._hook("SubagentStart", common, agent_id=agent_id, agent_type=name)
        fixed = 3 + 2 * AGENTS_PER_SESSION
        hooks = max(int(self.per_session * self.hook_share) - fixed, 0)
        records = self.per_session - hooks - fixed
        batches = [BATCH] * (records // BATCH) + ([records % BATCH] if records % BATCH else [])
        for index in range(max(hooks, len(batches))):
            if index < hooks:
                path = f"{common['cwd']}/src/package/module_{index % 60}.py"
                agent_id = agents[index % len(agents)]
                yield from self._hook(
                    "PostToolUse", common, agent_id=agent_id, tool_name=("Edit", "Read")[index % 2],
                    tool_input={"file_path": path}, tool_response={"ok": True},
                )  # fmt: skip
            if index < len(batches):
                yield "/v1/logs", self._batch(session_id, agents, batches[index]), batches[index]
        for index, agent_id in enumerate(agents):
            name = SPECIALISTS[(number + index) % len(SPECIALISTS)]
            said = "What I found is this: " + "words " * 80
            told = {"agent_id": agent_id, "agent_type": name, "last_assistant_message": said}
            yield from self._hook("SubagentStop", common, **told)
        if number % 10:  # every tenth never says that it ends
            yield from self._hook("SessionEnd", common, reason="other")

    def _hook(
        self, event: str, common: dict[str, Any], **payload: Any
    ) -> Iterator[tuple[str, dict[str, Any], int]]:
        yield f"/hooks/{event}", {**common, "hook_event_name": event, **payload}, 1

    def _batch(self, session_id: str, agents: list[str], number: int) -> dict[str, Any]:
        records = []
        for _ in range(number):
            self.sequence += 1
            self.calls += 1
            told: dict[str, Any] = {
                "event.name": "api_request",
                "session.id": session_id,
                "event.timestamp": f"2026-11-23T04:{self.sequence % 60:02}:00.{self.sequence}Z",
                "model": self.random.choice(MODELS),
                "cost_usd": f"{COST_NANOUSD}e-9",
                "input_tokens": str(self.random.randrange(10_000)),
                "output_tokens": "345",
                "cache_read_tokens": "67890",
                "duration_ms": "1234",
            }
            if self.random.random() < 0.8:  # an agent keeps to one model
                index = self.random.randrange(len(agents))
                told |= {"agent_id": agents[index], "model": MODELS[index % len(MODELS)]}
            attributes = [{"key": key, "value": {"stringValue": told[key]}} for key in told]
            sequence = {"key": "event.sequence", "value": {"intValue": str(self.sequence)}}
            records.append({"attributes": [*attributes, sequence]})
        return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


class Probe(threading.Thread):
    """Asks for the daemon's health all the time, and keeps how long it took."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.took_s: list[float] = []
        self.ended = threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.ended.wait(0.02):
            began = time.perf_counter()
            connection.request("GET", "/health")
            connection.getresponse().read()
            self.took_s.append(time.perf_counter() - began)
        connection.close()

    def told(self) -> str:
        ordered = sorted(self.took_s) or [0.0]
        middle, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        return (
            f"health probe: median {middle * 1e3:.1f} ms, 99 % {high * 1e3:.1f} ms, "
            f"slowest {ordered[-1] * 1e3:.1f} ms, of {len(ordered)}"
        )


def measure(sandbox: Sandbox, events: int, hook_share: float) -> None:
    sandbox.ok("daemon", "start")
    settings = sandbox.sealed().settings
    process = psutil.Process(settings.pid)
    history = sandbox.temp / names.HISTORY
    load, probe = Load(events, hook_share), Probe(settings.port)
    print(f"at rest: {process.memory_info().rss / MIB:.1f} MiB resident")
    probe.start()
    connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=60)
    headers = {"Authorization": f"Bearer {settings.token}", "Content-Type": "application/json"}
    sent = shown = largest = most = 0
    began = time.perf_counter()
    for path, body, number in load.requests():
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)
        sent += number
        if sent - shown >= events // 20:
            shown = sent
            resident = process.memory_info().rss
            most, largest = max(most, resident), max(largest, history.stat().st_size)
            took_s, size = time.perf_counter() - began, history.stat().st_size
            told = f"{resident / MIB:.1f} MiB resident, history {size / MIB:.2f} MiB"
            print(f"{sent:9,} events, {took_s:6.1f} s: {told}", flush=True)
    probe.ended.set()
    probe.join()
    print(probe.told())
    times = process.cpu_times()
    print(f"processor time {times.user + times.system:.1f} s; {_most(process, most)}")
    print(f"largest history seen: {largest / MIB:.2f} MiB")
    check(sandbox, load)
    began = time.perf_counter()
    sandbox.ok("daemon", "restart")
    print(f"restart in {time.perf_counter() - began:.1f} s; history then "
          f"{history.stat().st_size / MIB:.2f} MiB")  # fmt: skip
    process = psutil.Process(sandbox.sealed().settings.pid)
    print(f"after the restart: {_most(process, process.memory_info().rss)}")
    check(sandbox, load)


def _most(process: psutil.Process, seen_bytes: int) -> str:
    """The peak of what was seen, and the system's own where it keeps one."""
    told = f"most {seen_bytes / MIB:.1f} MiB resident"
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                told += f" (peak {int(line.split()[1]) / 1024:.1f} MiB)"
    return told


def check(sandbox: Sandbox, load: Load) -> None:
    total = sandbox.request("GET", "/api/v1/usage").json()["total"]
    exact = round(total["cost_usd"] * 1e9) == load.calls * COST_NANOUSD
    print(f"calls {total['calls']:,} of {load.calls:,}; cost {'exact' if exact else 'WRONG'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--hook-share", type=float, default=0.1)
    parser.add_argument("--form", choices=("source", "frozen"), default="source")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cco-load-") as folder:
        sandbox = make_sandbox(options.form, Path(folder))
        try:
            measure(sandbox, options.events, options.hook_share)
        finally:
            sandbox.close()


if __name__ == "__main__":
    main()
