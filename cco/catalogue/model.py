"""What the catalogue holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cco.errors import CatalogueInvalid, NotFound

INJECTION_LIMIT_CHARS = 9_500
"""Claude Code cuts what a hook injects at 10,000 characters and writes the whole to disk."""
COMPACTION_TEXTS = ("pre_compact", "post_compact", "agent_pre_compact", "agent_post_compact")
TEXTS = ("rules", *COMPACTION_TEXTS, "nudge")
SHIPPED = "cco"
OVERLAY = "user"


@dataclass(frozen=True)
class Agent:
    """One specialist. Only the brief is kept from Claude Code until the agent is dispatched."""

    name: str
    description: str
    model: str
    tools: tuple[str, ...]
    keywords: tuple[str, ...]
    brief: str = field(repr=False)
    source: str = SHIPPED

    def public(self) -> dict[str, Any]:
        """What may be seen before dispatch."""
        return {
            "name": self.name,
            "description": self.description,
            "model": self.model,
            "tools": list(self.tools),
            "source": self.source,
        }


@dataclass(frozen=True)
class Catalogue:
    """All specialists, the rules, and the texts around a compaction."""

    agents: tuple[Agent, ...]
    rules: str = field(repr=False)
    pre_compact: str = field(repr=False)
    post_compact: str = field(repr=False)
    agent_pre_compact: str = field(repr=False)
    agent_post_compact: str = field(repr=False)
    nudge: str

    def agent(self, name: str) -> Agent:
        """Find one specialist, with or without the `cco:` before its name.

        Raises: NotFound, with the nearest names.
        """
        wanted = name.removeprefix("cco:")
        for agent in self.agents:
            if agent.name == wanted:
                return agent
        import difflib

        near = difflib.get_close_matches(wanted, [agent.name for agent in self.agents])
        raise NotFound(
            f"no agent is called {name!r}",
            advice=f"Did you mean: {', '.join(near)}?" if near else "Run: cco agents list",
        )


def to_document(catalogue: Catalogue) -> dict[str, Any]:
    """Turn a catalogue into plain data for JSON."""
    return asdict(catalogue)


def from_document(document: Mapping[str, Any]) -> Catalogue:
    """Turn plain data back into a catalogue.

    Raises: CatalogueInvalid.
    """
    try:
        agents = tuple(agent_from_document(entry) for entry in document["agents"])
        return Catalogue(agents=agents, **{name: str(document[name]) for name in TEXTS})
    except (KeyError, TypeError) as error:
        raise CatalogueInvalid(f"the catalogue lacks {error}") from None


def agent_from_document(entry: Mapping[str, Any]) -> Agent:
    """Turn one agent's plain data into an Agent."""
    return Agent(
        name=str(entry["name"]),
        description=str(entry["description"]),
        model=str(entry["model"]),
        tools=tuple(entry["tools"]),
        keywords=tuple(entry["keywords"]),
        brief=str(entry["brief"]),
        source=str(entry.get("source", SHIPPED)),
    )
