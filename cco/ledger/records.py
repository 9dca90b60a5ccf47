"""The ledger's records. Counts and names only: no prompt, reply or file content is kept, but for
a session's Memory, whose few words are given back after a compaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cco.ledger.memory import Memory

NANOS_PER_USD = 1_000_000_000
_LARGEST = 1e15


def finite(value: object) -> float | None:
    """A figure of reasonable size; None for anything else that JSON may hold in its place."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -_LARGEST <= value <= _LARGEST else None


@dataclass
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
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def document(self) -> dict[str, Any]:
        """As the API shows it; `cost_usd` is exact to the nano-dollar."""
        fields = dict(vars(self))
        fields["cost_usd"] = float(Decimal(fields.pop("cost_nanousd")) / NANOS_PER_USD)
        return fields


@dataclass
class AgentRun:
    """One dispatch of one specialist."""

    agent_id: str
    name: str | None = None
    parent_id: str | None = None
    """The run that started this one; None where the session itself did."""
    description: str = ""
    model: str | None = None
    status: str = "running"
    started_at: float = 0.0
    ended_at: float | None = None
    tool_calls: int = 0
    last_words_chars: int = 0
    usage: Usage = field(default_factory=Usage)

    def document(self) -> dict[str, Any]:
        return {**vars(self), "usage": self.usage.document()}


@dataclass
class Session:
    """One session of Claude Code."""

    session_id: str
    project: str = ""
    model: str | None = None
    started_at: float = 0.0
    last_seen_at: float = 0.0
    ended_at: float | None = None
    launch_id: str | None = None
    orchestrated: bool = False
    """Whether its hooks reach us. A client that merely inherited our telemetry is not ours."""
    prompts: int = 0
    tool_calls: int = 0
    compactions: int = 0
    api_errors: int = 0
    active_time_s: float = 0.0
    own_usage: Usage = field(default_factory=Usage)
    agents: dict[str, AgentRun] = field(default_factory=dict)
    models: dict[str, Usage] = field(default_factory=dict)
    hours: dict[int, Usage] = field(default_factory=dict)
    """By the hour's first second since the epoch."""
    memory: Memory = field(default_factory=Memory, repr=False)
    context_used_percent: float | None = None
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
        return total

    def document(self) -> dict[str, Any]:
        """As the API shows it; times are seconds since the epoch."""
        return {
            "session_id": self.session_id,
            "project": self.project,
            "model": self.model,
            "status": "running" if self.ended_at is None else "ended",
            "started_at": self.started_at,
            "last_seen_at": self.last_seen_at,
            "ended_at": self.ended_at,
            "orchestrated": self.orchestrated,
            "prompts": self.prompts,
            "tool_calls": self.tool_calls,
            "compactions": self.compactions,
            "api_errors": self.api_errors,
            "active_time_s": self.active_time_s,
            "files_edited": len(self.memory.edited),
            "own_usage": self.own_usage.document(),
            "usage": self.total().document(),
            "models": {name: usage.document() for name, usage in self.models.items()},
            "agents": [run.document() for run in self.agents.values()],
        }
