"""The ledger's records. Counts and names only: no prompt, reply or file content is kept, but for
a session's Memory, whose few words are given back after a compaction."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Literal

from cco.ledger.memory import Memory
from cco.ledger.waiting import Wait, Waits

NANOS_PER_USD = 1_000_000_000
UNKNOWN_MODEL = "unknown"
OTHERS = "(others)"
MAX_PAST_AGENTS = 200
LARGEST = 1e15
"""Of figures that are no sums of counts: seconds, percentages."""
END_OF_TIME_S = 253_402_300_800
"""The year 10000, which no calendar here knows; seconds since the epoch."""

RunStatus = Literal["running", "done", "lost"]
"""`lost`: its session ended, and nobody told that it stopped."""


def finite(value: object) -> float | None:
    """A figure of reasonable size; None for anything else that JSON may hold in its place."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -LARGEST <= value <= LARGEST else None


@dataclass(slots=True)
class Usage:
    """Tokens, cost and time of a number of model calls."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    cost_nanousd: int = 0
    duration_ms: int = 0

    def add(self, other: Usage) -> None:
        self.calls += other.calls
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cache_read_tokens += other.cache_read_tokens
        self.cache_creation_tokens += other.cache_creation_tokens
        self.cost_nanousd += other.cost_nanousd
        self.duration_ms += other.duration_ms

    def subtract(self, other: Usage) -> None:
        self.calls -= other.calls
        self.input_tokens -= other.input_tokens
        self.output_tokens -= other.output_tokens
        self.cache_read_tokens -= other.cache_read_tokens
        self.cache_creation_tokens -= other.cache_creation_tokens
        self.cost_nanousd -= other.cost_nanousd
        self.duration_ms -= other.duration_ms

    def document(self) -> dict[str, Any]:
        """As the API shows it; `cost_usd` is exact to the nano-dollar."""
        told = {name: getattr(self, name) for name in _USAGE}
        told["cost_usd"] = float(Decimal(told.pop("cost_nanousd")) / NANOS_PER_USD)
        return told


_USAGE = tuple(one.name for one in fields(Usage))


@dataclass(slots=True, kw_only=True)
class _ByModel:
    """Usage that is mostly that of one model, so that one record does for both."""

    model: str | None = None
    usage: Usage = field(default_factory=Usage)
    other_models: dict[str, Usage] | None = None
    """What of the usage is that of models other than `model`; None where there are none."""

    def spend(self, model: str, usage: Usage) -> None:
        """Add the usage of a model."""
        self.usage.add(usage)
        self.model = self.model or model
        if self.model != model:
            self.other_models = self.other_models or {}
            self.other_models.setdefault(model, Usage()).add(usage)

    def by_model(self) -> dict[str, Usage]:
        """The usage of each model; of none that was not called."""
        others = self.other_models or {}
        mine = Usage()
        mine.add(self.usage)
        for usage in others.values():
            mine.subtract(usage)
        own = {self.model or UNKNOWN_MODEL: mine} if mine.calls else {}
        return own | others


@dataclass(slots=True)
class AgentRun(_ByModel):
    """One dispatch of one specialist."""

    agent_id: str
    name: str | None = None
    parent_id: str | None = None
    """The run that started this one; None where the session itself did."""
    description: str = ""
    status: RunStatus = "running"
    started_at: float = 0.0
    ended_at: float | None = None
    tool_calls: int = 0
    last_words_chars: int = 0

    def document(self) -> dict[str, Any]:
        """As the API shows it."""
        models = {name: usage.document() for name, usage in self.by_model().items()}
        told = {name: getattr(self, name) for name in _RUN}
        return {**told, "usage": self.usage.document(), "models": models}


_RUN = (*(one.name for one in fields(AgentRun) if not one.kw_only), "model")


@dataclass(slots=True)
class PastRuns(_ByModel):
    """What runs of one specialist come to that were too many to keep."""

    runs: int = 0
    tool_calls: int = 0

    def add(self, run: AgentRun) -> None:
        self.runs += 1
        self.tool_calls += run.tool_calls
        for model, usage in run.by_model().items():
            self.spend(model, usage)

    def document(self) -> dict[str, Any]:
        return {"runs": self.runs, "tool_calls": self.tool_calls, "usage": self.usage.document()}


@dataclass(slots=True)
class Session:
    """One session of Claude Code."""

    session_id: str
    project: str = ""
    model: str | None = None
    started_at: float = 0.0
    last_seen_at: float = 0.0
    ended_at: float | None = None
    launch_id: str | None = None
    client_version: str | None = None
    """Of the Claude Code that it runs in, where that is known."""
    orchestrated: bool = False
    """Whether its hooks reach us. A client that merely inherited our telemetry is not ours."""
    came_back: bool = False
    """Whether it is one of the sums' sessions already: it was folded, and went on."""
    prompts: int = 0
    tool_calls: int = 0
    compactions: int = 0
    api_errors: int = 0
    conflicts: int = 0
    """Edits about to be made that might have undone another's."""
    active_time_s: float = 0.0
    own_usage: Usage = field(default_factory=Usage)
    agents: dict[str, AgentRun] = field(default_factory=dict)
    past_agents: dict[str, PastRuns] = field(default_factory=dict)
    """By name (empty where it is unknown), runs that are no longer among `agents`."""
    models: dict[str, Usage] = field(default_factory=dict)
    hours: dict[int, Usage] = field(default_factory=dict)
    """By the hour's first second since the epoch."""
    memory: Memory = field(default_factory=Memory, repr=False)
    forgotten_files: int = 0
    """How many edited files the memory knew when its words were forgotten."""
    context_used_percent: float | None = None
    waits: Waits = field(default_factory=Waits, repr=False, compare=False)
    has_rules_from_compaction: bool = False
    owes_rules: bool = False
    """Whether a compaction took the rules away and nothing has brought them back yet."""

    @property
    def running(self) -> list[AgentRun]:
        return [run for run in self.agents.values() if run.status == "running"]

    def total(self) -> Usage:
        """The session's own calls and its agents' together."""
        total = Usage()
        total.add(self.own_usage)
        for run in self.agents.values():
            total.add(run.usage)
        for past in self.past_agents.values():
            total.add(past.usage)
        return total

    def forget_words(self) -> None:
        """Let the memory go, but for how many files it knew."""
        self.forgotten_files = max(len(self.memory.edited), self.forgotten_files)
        self.memory = Memory()

    def fold(self, agent_id: str) -> None:
        """Keep of a run no more than its sums."""
        run = self.agents.pop(agent_id)
        name = run.name or ""
        if name not in self.past_agents and len(self.past_agents) >= MAX_PAST_AGENTS:
            name = OTHERS
        self.past_agents.setdefault(name, PastRuns()).add(run)

    def _waiting(self, wait: Wait) -> dict[str, Any]:
        run = self.agents.get(wait.agent_id)
        return {
            "agent_id": wait.agent_id or None,
            "agent": None if run is None else run.name,
            "tool": wait.tool,
            "since": wait.since,
        }

    @property
    def files_edited(self) -> int:
        """How many files were changed, also once their names are forgotten."""
        return max(len(self.memory.edited), self.forgotten_files)

    def document(self) -> dict[str, Any]:
        """As the API shows it; times are seconds since the epoch."""
        return {
            "session_id": self.session_id,
            "project": self.project,
            "model": self.model,
            "client_version": self.client_version,
            "status": "running" if self.ended_at is None else "ended",
            "waiting": [self._waiting(wait) for wait in self.waits],
            "started_at": self.started_at,
            "last_seen_at": self.last_seen_at,
            "ended_at": self.ended_at,
            "orchestrated": self.orchestrated,
            "prompts": self.prompts,
            "tool_calls": self.tool_calls,
            "compactions": self.compactions,
            "api_errors": self.api_errors,
            "conflicts": self.conflicts,
            "active_time_s": self.active_time_s,
            "files_edited": self.files_edited,
            "own_usage": self.own_usage.document(),
            "usage": self.total().document(),
            "models": {name: usage.document() for name, usage in self.models.items()},
            "agents": [run.document() for run in self.agents.values()],
            "past_agents": {name: past.document() for name, past in self.past_agents.items()},
        }
