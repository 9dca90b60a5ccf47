"""Usage added up by agent, model, project and hour; what of an old session outlives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cco.ledger.records import OTHERS, Session, Usage

MAIN = "(session itself)"
UNKNOWN = "(unknown)"
MAX_KEYS = 2_000

_K = TypeVar("_K", str, int)


@dataclass(slots=True)
class AgentTotals:
    """All runs of one specialist."""

    runs: int = 0
    running: int = 0
    tool_calls: int = 0
    usage: Usage = field(default_factory=Usage)

    def add(self, other: AgentTotals) -> None:
        self.runs += other.runs
        self.running += other.running
        self.tool_calls += other.tool_calls
        self.usage.add(other.usage)


@dataclass(slots=True)
class Totals:
    """Sums over sessions. Each of the four parts adds up to the total."""

    sessions: int = 0
    compactions: int = 0
    api_errors: int = 0
    conflicts: int = 0
    total: Usage = field(default_factory=Usage)
    agents: dict[str, AgentTotals] = field(default_factory=dict)
    models: dict[str, Usage] = field(default_factory=dict)
    agent_models: dict[tuple[str, str], Usage] = field(default_factory=dict)
    """By agent and model."""
    projects: dict[str, Usage] = field(default_factory=dict)
    hours: dict[int, Usage] = field(default_factory=dict)
    """By the hour's first second since the epoch."""

    def add_session(self, session: Session) -> None:
        """Add one session."""
        counts = 0 if session.came_back else 1
        self.sessions += counts
        self.compactions += session.compactions
        self.api_errors += session.api_errors
        self.conflicts += session.conflicts
        total = session.total()
        self.total.add(total)
        own = AgentTotals(counts, 0, session.tool_calls, session.own_usage)
        self._add_agent(MAIN, own)
        own_models = {model: replace(usage) for model, usage in session.models.items()}
        for run in session.agents.values():
            running = int(run.status == "running")
            entry = AgentTotals(1, running, run.tool_calls, run.usage)
            self._add_runs(run.name, entry, run.by_model(), own_models)
        for name, past in session.past_agents.items():
            entry = AgentTotals(past.runs, 0, past.tool_calls, past.usage)
            self._add_runs(name, entry, past.by_model(), own_models)
        for model, usage in own_models.items():
            if usage.calls:
                self._add_agent_model(MAIN, model, usage)
        _add(self.projects, session.project or UNKNOWN, total)
        for model, usage in session.models.items():
            _add(self.models, model, usage)
        for hour, usage in session.hours.items():
            _add_hour(self.hours, hour, usage)

    def add(self, other: Totals) -> None:
        """Add other sums."""
        self.sessions += other.sessions
        self.compactions += other.compactions
        self.api_errors += other.api_errors
        self.conflicts += other.conflicts
        self.total.add(other.total)
        for name, entry in other.agents.items():
            self._add_agent(name, entry)
        for (name, model), usage in other.agent_models.items():
            self._add_agent_model(name, model, usage)
        for mine, theirs in ((self.models, other.models), (self.projects, other.projects)):
            for key, usage in theirs.items():
                _add(mine, key, usage)
        for hour, usage in other.hours.items():
            _add_hour(self.hours, hour, usage)

    def _add_runs(
        self,
        name: str | None,
        entry: AgentTotals,
        models: Mapping[str, Usage],
        own_models: Mapping[str, Usage],
    ) -> None:
        """Add runs of one agent, and take their usage from what is left for the session itself."""
        self._add_agent(name or UNKNOWN, entry)
        for model, usage in models.items():
            self._add_agent_model(name or UNKNOWN, model, usage)
            if model in own_models:
                own_models[model].subtract(usage)

    def _add_agent(self, name: str, entry: AgentTotals) -> None:
        if name not in self.agents and len(self.agents) >= MAX_KEYS:
            name = OTHERS
        self.agents.setdefault(name, AgentTotals()).add(entry)

    def _add_agent_model(self, agent: str, model: str, usage: Usage) -> None:
        key = (agent, model)
        if key not in self.agent_models and len(self.agent_models) >= MAX_KEYS:
            key = (OTHERS, OTHERS)
        self.agent_models.setdefault(key, Usage()).add(usage)


def totals_of(sessions: Iterable[Session]) -> Totals:
    """Add up sessions."""
    totals = Totals()
    for session in sessions:
        totals.add_session(session)
    return totals


def _add(entries: dict[str, Usage], key: str, usage: Usage) -> None:
    if key not in entries and len(entries) >= MAX_KEYS:
        key = OTHERS
    entries.setdefault(key, Usage()).add(usage)


def _add_hour(entries: dict[int, Usage], hour: int, usage: Usage) -> None:
    """The oldest hour takes in what no longer has room."""
    if hour not in entries and len(entries) >= MAX_KEYS:
        hour = min(entries)
    entries.setdefault(hour, Usage()).add(usage)
