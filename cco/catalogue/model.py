"""What the catalogue holds, and the rules that every entry keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cco.errors import CatalogueInvalid, NotFound

INJECTION_LIMIT_CHARS = 9_500
"""Claude Code cuts what a hook injects at 10,000 characters and writes the whole to disk."""
BRIEF_LIMIT_CHARS = 9_000
RULES_LIMIT_CHARS = 9_000
DESCRIPTION_LIMIT_CHARS = 80
MODELS = ("opus", "sonnet", "haiku", "inherit")
TOOLS = frozenset(
    """
    Agent Bash Edit Glob Grep NotebookEdit Read Skill TodoWrite WebFetch WebSearch Write
    """.split()
)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Agent:
    """One specialist. Only the brief is kept from Claude Code until the agent is dispatched."""

    name: str
    description: str
    model: str
    tools: tuple[str, ...]
    keywords: tuple[str, ...]
    brief: str = field(repr=False)

    def public(self) -> dict[str, Any]:
        """What may be seen before dispatch."""
        return {
            "name": self.name,
            "description": self.description,
            "model": self.model,
            "tools": list(self.tools),
        }


@dataclass(frozen=True)
class Catalogue:
    """All specialists, the rules, and the texts around a compaction."""

    agents: tuple[Agent, ...]
    rules: str = field(repr=False)
    pre_compact: str = field(repr=False)
    post_compact: str = field(repr=False)
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
        texts = {name: str(document[name]) for name in ("rules", "pre_compact", "post_compact")}
        return Catalogue(agents=agents, nudge=str(document["nudge"]), **texts)
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
    )


def problems(catalogue: Catalogue) -> list[str]:
    """Every way in which a catalogue breaks its rules, a line each."""
    found = [f"{agent.name}: {line}" for agent in catalogue.agents for line in _agent(agent)]
    seen: set[str] = set()
    for agent in catalogue.agents:
        if agent.name in seen:
            found.append(f"{agent.name}: two agents have this name")
        seen.add(agent.name)
    if not catalogue.rules.strip():
        found.append("rules: empty")
    if len(catalogue.rules) > RULES_LIMIT_CHARS:
        found.append(f"rules: {len(catalogue.rules)} characters, over {RULES_LIMIT_CHARS}")
    for name in ("pre_compact", "post_compact"):
        if "$state" not in getattr(catalogue, name):
            found.append(f"{name}: no $state, where the session's state goes")
    return found


def _agent(agent: Agent) -> Iterator[str]:
    if not _NAME.fullmatch(agent.name):
        yield "the name must be lower-case words joined by hyphens"
    if not agent.description or "\n" in agent.description:
        yield "the description must be one line"
    if len(agent.description) > DESCRIPTION_LIMIT_CHARS:
        size = len(agent.description)
        yield f"the description has {size} characters, over {DESCRIPTION_LIMIT_CHARS}"
    if agent.model not in MODELS:
        yield f"model {agent.model!r} is none of {', '.join(MODELS)}"
    if unknown := sorted(set(agent.tools) - TOOLS):
        yield f"Claude Code has no tool {', '.join(unknown)}"
    if not agent.tools:
        yield "no tools are listed, which would give it all of them"
    if not agent.keywords:
        yield "no keywords"
    if not agent.brief.strip():
        yield "no brief"
    if len(agent.brief) > BRIEF_LIMIT_CHARS:
        yield f"the brief has {len(agent.brief)} characters, over {BRIEF_LIMIT_CHARS}"
