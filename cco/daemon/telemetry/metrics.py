"""GET /metrics: the ledger's figures and the daemon's own, for Prometheus.

What the clients send as OTLP metrics comes in at telemetry.py; this is what goes out.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import tornado.web

from cco import build_info
from cco.claude.bridge import EVENTS
from cco.daemon.api.parameters import read_query
from cco.daemon.handler import BaseHandler
from cco.daemon.hooks.handler import STATUS_LINE, HookHandler
from cco.daemon.state import State
from cco.daemon.telemetry.exposition import (
    OPENMETRICS,
    TEXT,
    Family,
    Histogram,
    Labels,
    label,
    render,
    wants_openmetrics,
)
from cco.ledger.call import usage_of
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.records import NANOS_PER_USD, AgentRun, Session, Usage
from cco.ledger.totals import MAIN, UNKNOWN, AgentTotals, Totals

NAMING_S = 30.0
"""How long a run may be without a name before its figures are shown as nobody's. A figure that has
been shown cannot be taken back: telemetry that overtakes a run's start waits for its name."""
MAX_SERIES = 20_000
_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_HANDLERS = frozenset((*EVENTS, STATUS_LINE))
_OTHER = "other"
_KINDS = ("input", "output", "cache_read", "cache_creation")


class Metrics:
    """Counts requests, and reads the rest off the ledger when asked."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._started_at = clock()
        self._hooks: Counter[str] = Counter()
        self._latency = Histogram(
            "cco_http_request_duration_seconds",
            "How long requests took, by the name of their handler.",
            "handler",
            _BOUNDS_S,
        )
        self._shown: dict[tuple[str, Labels], float] = {}

    def count(self, handler: tornado.web.RequestHandler) -> None:
        """Count a request that is done; streams, which last as long as a reader, are left out."""
        if isinstance(handler, HookHandler):
            event = str(next(iter(getattr(handler, "path_args", ())), ""))  # none before its checks
            self._hooks[event if event in _HANDLERS else _OTHER] += 1
        if not _is_stream(handler):
            self._latency.observe(type(handler).__name__, handler.request.request_time())

    def collect(self, state: State) -> Iterator[Family | Histogram]:
        """All metrics as they are now."""
        yield from self._of_ledger(state.ledger, state.attribution.unsettled())
        hooks = (((("handler", event),), count) for event, count in self._hooks.items())
        yield self._counter("cco_hook_requests", "Events of Claude Code.", hooks)
        yield self._latency
        yield from self._of_forwarding(state)
        build = build_info.current()
        kind = "development" if build.development else "release" if build.release else "private"
        about = (("version", build.version), ("commit", build.commit), ("build", kind))
        yield _gauge("cco_build_info", "The program that runs.", [(about, 1)])
        yield _gauge("process_resident_memory_bytes", "Memory in use.", [((), _resident_bytes())])
        yield _gauge(
            "process_start_time_seconds", "Start, since the epoch.", [((), self._started_at)]
        )
        yield self._counter("process_cpu_seconds", "Processor time.", [((), time.process_time())])

    def _of_ledger(self, ledger: Ledger, unsettled: Iterable[LogRecord] = ()) -> Iterator[Family]:
        sessions = ledger.sessions()
        totals = Totals()
        totals.add(ledger.folded)
        for session in reversed(sessions):
            if session.orchestrated:
                totals.add_session(session)
        yield _gauge("cco_sessions", "Sessions by status.", _statuses(sessions, ledger.folded))
        running = [((("agent", name),), one.running) for name, one in totals.agents.items()]
        running = [(labels, count) for labels, count in running if count]
        yield _gauge("cco_agents_running", "Runs of agents under way.", running)
        self._withhold_unnamed(totals, sessions)
        for record in unsettled:
            model = str(record.attributes.get("model"))
            totals.agent_models.get((MAIN, model), Usage()).subtract(usage_of(record.attributes))
        yield self._counter("cco_sessions_started", "Sessions.", [((), totals.sessions)])
        runs = [(name, one) for name, one in totals.agents.items() if name != MAIN]
        yield self._by_agent("cco_agent_runs", "Runs.", runs, lambda one: one.runs)
        agents = totals.agents.items()
        yield self._by_agent("cco_tool_calls", "Tool calls.", agents, lambda one: one.tool_calls)
        used = [
            ((("agent", agent), ("model", model)), usage)
            for (agent, model), usage in totals.agent_models.items()
            if usage.calls
        ]
        calls = ((labels, usage.calls) for labels, usage in used)
        yield self._counter("cco_model_calls", "Calls of the model.", calls)
        seconds = ((labels, usage.duration_ms / 1000) for labels, usage in used)
        yield self._counter("cco_model_call_seconds", "Time that calls of the model took.", seconds)
        tokens = (
            ((*labels, ("kind", kind)), getattr(usage, f"{kind}_tokens"))
            for labels, usage in used
            for kind in _KINDS
        )
        yield self._counter("cco_tokens", "Tokens.", tokens)
        usd = ((labels, usage.cost_nanousd / NANOS_PER_USD) for labels, usage in used)
        yield self._counter("cco_cost_usd", "Cost as the client reckons it, in US dollars.", usd)
        yield self._counter("cco_compactions", "Compactions.", [((), totals.compactions)])
        yield self._counter("cco_api_errors", "Errors of the API.", [((), totals.api_errors)])
        conflicts = [((), totals.conflicts)]
        yield self._counter("cco_edit_conflicts", "Edits that might undo another's.", conflicts)

    def _withhold_unnamed(self, totals: Totals, sessions: Iterable[Session]) -> None:
        for session in sessions:
            for run in session.agents.values() if session.orchestrated else ():
                if self._waits_for_name(run):
                    nobody = totals.agents.get(UNKNOWN, AgentTotals())
                    nobody.runs -= 1
                    nobody.tool_calls -= run.tool_calls
                    for model, usage in run.by_model().items():
                        totals.agent_models.get((UNKNOWN, model), Usage()).subtract(usage)

    def _waits_for_name(self, run: AgentRun) -> bool:
        young = self._clock() - run.started_at < NAMING_S
        return run.name is None and run.status == "running" and young

    def _of_forwarding(self, state: State) -> Iterator[Family]:
        forwarder = state.forwarder
        if forwarder is None:
            return
        ended = [((("outcome", one),), count) for one, count in forwarder.ended.items()]
        yield self._counter("cco_forward_bodies", "Bodies that are done with.", ended)
        failed = [((), forwarder.failed_attempts)]
        yield self._counter("cco_forward_failed_attempts", "Attempts to deliver.", failed)
        waiting = [((), forwarder.held_count)]
        yield _gauge("cco_forward_queue_bodies", "Bodies to be delivered.", waiting)
        held = [((), forwarder.held_bytes)]
        yield _gauge("cco_forward_queue_bytes", "Size of the bodies to be delivered.", held)

    def _by_agent(
        self,
        name: str,
        about: str,
        agents: Iterable[tuple[str, AgentTotals]],
        figure: Callable[[AgentTotals], int],
    ) -> Family:
        rows = (((("agent", agent),), figure(one)) for agent, one in agents)
        return self._counter(name, about, ((labels, value) for labels, value in rows if value))

    def _counter(self, name: str, about: str, rows: Iterable[tuple[Labels, float]]) -> Family:
        """A counter never goes down: what was shown once is the least that is shown again."""
        series = _merged(rows)
        for labels, value in series.items():
            key = (name, labels)
            series[labels] = max(value, self._shown.get(key, value))
            if key in self._shown or len(self._shown) < MAX_SERIES:
                self._shown[key] = series[labels]
        return Family(name, "counter", about, series)


class ExpositionHandler(BaseHandler):
    """All metrics, in the text format or, where that is asked for, in OpenMetrics."""

    def get(self) -> None:
        read_query(self.request, ())
        openmetrics = wants_openmetrics(self.request.headers.get("Accept", ""))
        self.set_header("Content-Type", OPENMETRICS if openmetrics else TEXT)
        self.set_header("Vary", "Accept")
        families = self.settings["metrics"].collect(self.state)
        self.finish(render(families, openmetrics=openmetrics))


def _gauge(name: str, about: str, rows: Iterable[tuple[Labels, float]]) -> Family:
    return Family(name, "gauge", about, _merged(rows))


def _merged(rows: Iterable[tuple[Labels, float]]) -> dict[Labels, float]:
    """One value for each set of labels, as they can be written."""
    series: dict[Labels, float] = {}
    for labels, value in rows:
        clean = tuple((key, label(text)) for key, text in labels)
        series[clean] = series.get(clean, 0) + value
    return series


def _statuses(sessions: Iterable[Session], folded: Totals) -> list[tuple[Labels, float]]:
    counts = {"running": 0, "ended": 0, "folded": folded.sessions, "foreign": 0}
    for session in sessions:
        kind = "ended" if session.ended_at is not None else "running"
        counts[kind if session.orchestrated else "foreign"] += 1
    return [((("status", status),), count) for status, count in counts.items()]


def _is_stream(handler: tornado.web.RequestHandler) -> bool:
    return str(handler._headers.get("Content-Type", "")).startswith("text/event-stream")


def _resident_bytes() -> int:
    if sys.platform == "linux":
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import psutil

    return int(psutil.Process().memory_info().rss)
