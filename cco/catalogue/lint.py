"""The rules that every definition keeps, ours and the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from cco.catalogue.model import (
    COMPACTION_TEXTS,
    INJECTION_LIMIT_CHARS,
    SHIPPED,
    Agent,
    Catalogue,
)
from cco.config import TIERS

COUNT = 119
LISTING_LIMIT_TOKENS = 3_600
BRIEF_LIMIT_CHARS = 9_000
BRIEF_WORDS = range(250, 901)
RULES_LIMIT_CHARS = 9_000
RECAP_ROOM_CHARS = 2_500
AGENT_RECAP_ROOM_CHARS = 150
DESCRIPTION_LIMIT_CHARS = 80
_LISTED_LIMIT_CHARS = 400
_NAME_LIMIT_CHARS = 40
_KEYWORDS_LIMIT = 100
_CHARS_PER_TOKEN = 4

TOOLS = frozenset(
    """
    Agent AskUserQuestion Bash Edit Glob Grep LSP ListMcpResourcesTool Monitor NotebookEdit
    PowerShell Read ReadMcpResourceTool SendMessage Skill TaskCreate TaskGet TaskList TaskStop
    TaskUpdate TodoWrite ToolSearch WebFetch WebSearch Write
    """.split()
)
"""What Claude Code 2.1.330 gives a specialist that lists it, in one of its modes or platforms."""

EDITING_TOOLS = frozenset(("Edit", "NotebookEdit"))
_MCP_TOOL = re.compile(r"mcp__[A-Za-z0-9_-]+(\*|__[A-Za-z0-9_*-]+)?")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_WINDOWS_DEVICE = re.compile(r"con|prn|aux|nul|com[0-9]|lpt[0-9]")
_LOOKS_ONLY = re.compile(r".*-(analyst|auditor|explorer|manager|researcher|reviewer)")
_PERSONA = re.compile(
    r"\bas an AI\b|\byou are an? (\w+[ -]){0,3}(AI|expert|assistant|senior|seasoned|world-class)\b",
    re.IGNORECASE,
)
_SIBLING = re.compile(r"`(?:cco:)?([a-z]+(?:-[a-z]+)+)`")
_RUN_WORDS = 8
_MAX_SHARED_RUNS = 3


@dataclass(frozen=True)
class Flaw:
    """One rule that a definition breaks."""

    field: str
    reason: str
    fatal: bool = False
    """Whether the definition cannot be used: Claude Code would refuse or cut it."""


def agent_flaws(agent: Agent) -> Iterator[Flaw]:
    """Every rule that one definition breaks by itself."""
    yield from _name_flaws(agent.name)
    yield from _description_flaws(agent.description)
    if agent.model not in TIERS:
        yield Flaw("model", f"model {agent.model!r} is none of {', '.join(TIERS)}", fatal=True)
    yield from _tool_flaws(agent)
    if not agent.keywords:
        yield Flaw("keywords", "no keywords, so it is found by its other words only")
    if len(agent.keywords) > _KEYWORDS_LIMIT:
        yield Flaw("keywords", f"{len(agent.keywords)} keywords, over {_KEYWORDS_LIMIT}")
    yield from _brief_flaws(agent.brief)


def _name_flaws(name: str) -> Iterator[Flaw]:
    if not _NAME.fullmatch(name):
        yield Flaw("name", "the name must be lower-case words joined by hyphens", fatal=True)
    if len(name) > _NAME_LIMIT_CHARS:
        reason = f"the name has {len(name)} characters, over {_NAME_LIMIT_CHARS}"
        yield Flaw("name", reason, fatal=True)
    if _WINDOWS_DEVICE.fullmatch(name):
        yield Flaw("name", f"Windows takes no file of the name {name}", fatal=True)


def _description_flaws(description: str) -> Iterator[Flaw]:
    size = len(description)
    if not description.strip() or not description.isprintable():
        yield Flaw("description", "the description must be one line", fatal=True)
    if size > _LISTED_LIMIT_CHARS:
        reason = f"the description has {size} characters, over {_LISTED_LIMIT_CHARS}"
        yield Flaw("description", reason, fatal=True)
    elif size > DESCRIPTION_LIMIT_CHARS:
        reason = f"the description costs every turn: {size} characters, over the usual"
        yield Flaw("description", f"{reason} {DESCRIPTION_LIMIT_CHARS}")


def _tool_flaws(agent: Agent) -> Iterator[Flaw]:
    unknown = [name for name in agent.tools if name not in TOOLS and not _MCP_TOOL.fullmatch(name)]
    if unknown:
        yield Flaw("tools", f"Claude Code has no tool {', '.join(unknown)}", fatal=True)
    if not agent.tools:
        yield Flaw("tools", "no tools are listed, which would give it all of them", fatal=True)
    if len(set(agent.tools)) < len(agent.tools):
        yield Flaw("tools", "a tool is listed twice")
    edits = sorted(EDITING_TOOLS & set(agent.tools))
    if edits and _LOOKS_ONLY.fullmatch(agent.name):
        yield Flaw("tools", f"one who looks and judges has no use for {', '.join(edits)}")


def _brief_flaws(brief: str) -> Iterator[Flaw]:
    if not brief.strip():
        yield Flaw("brief", "no brief", fatal=True)
        return
    if len(brief) > BRIEF_LIMIT_CHARS:
        reason = f"the brief has {len(brief)} characters, over {BRIEF_LIMIT_CHARS}"
        yield Flaw("brief", reason, fatal=True)
    words = len(brief.split())
    if words not in BRIEF_WORDS:
        bounds = f"{BRIEF_WORDS.start} to {BRIEF_WORDS.stop - 1}"
        yield Flaw("brief", f"the brief has {words} words, not {bounds}")
    if persona := _PERSONA.search(brief):
        yield Flaw("brief", f"the brief speaks of who reads it: “{persona.group()}”")


def listing_tokens(agents: Iterable[Agent]) -> int:
    """What Claude Code's list of specialists costs in every request: a token is four characters.

    Source: the request of Claude Code 2.1.330, line by line.
    """
    lines = (
        f"- cco:{agent.name}: {agent.description} (Tools: {', '.join(agent.tools)})\n"
        for agent in agents
    )
    return -(-sum(map(len, lines)) // _CHARS_PER_TOKEN)


def catalogue_flaws(catalogue: Catalogue) -> list[str]:
    """Every rule that a whole catalogue breaks, a line each."""
    shipped = [agent for agent in catalogue.agents if agent.source == SHIPPED]
    found = [f"{agent.name}: {flaw.reason}" for agent in shipped for flaw in agent_flaws(agent)]
    found += _sibling_flaws(shipped)
    found += _likeness_flaws(catalogue.agents)
    tokens = listing_tokens(catalogue.agents)
    if tokens > LISTING_LIMIT_TOKENS:
        found.append(f"listing: {tokens} tokens in every request, over {LISTING_LIMIT_TOKENS}")
    found += _text_flaws(catalogue)
    return found


def _sibling_flaws(agents: Sequence[Agent]) -> Iterator[str]:
    """Work is handed on to somebody who exists."""
    known = {agent.name for agent in agents}
    roles = {name.rpartition("-")[2] for name in known}
    for agent in agents:
        named = set(_SIBLING.findall(agent.brief))
        for name in sorted(named - known):
            if name.rpartition("-")[2] in roles:
                yield f"{agent.name}: hands work to {name}, whom nobody knows"
        if not named & known - {agent.name}:
            yield f"{agent.name}: the brief names no other specialist to hand work to"


def _likeness_flaws(agents: Sequence[Agent]) -> Iterator[str]:
    """No two definitions say the same."""
    names = [agent.name for agent in agents]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: two agents have this name"
    runs = {agent.name: _runs(agent.brief) for agent in agents}
    for (one, of_one), (other, of_other) in combinations(runs.items(), 2):
        if len(shared := of_one & of_other) > _MAX_SHARED_RUNS:
            yield f"{one}: shares text with {other}: “{min(shared)} …”"
    described: dict[str, str] = {}
    for agent in agents:
        other = described.setdefault(agent.description.lower(), agent.name)
        if other != agent.name:
            yield f"{agent.name}: is described as {other} is"


def _runs(text: str) -> set[str]:
    words = re.findall(r"\w+", text.lower())
    return {
        " ".join(words[start : start + _RUN_WORDS]) for start in range(len(words) - _RUN_WORDS + 1)
    }


def _text_flaws(catalogue: Catalogue) -> Iterator[str]:
    if not catalogue.rules.strip():
        yield "rules: empty"
    if len(catalogue.rules) > RULES_LIMIT_CHARS:
        yield f"rules: {len(catalogue.rules)} characters, over {RULES_LIMIT_CHARS}"
    for name in COMPACTION_TEXTS:
        if "$state" not in getattr(catalogue, name):
            yield f"{name}: no $state, where the session's state goes"
    room = INJECTION_LIMIT_CHARS - len(catalogue.rules) - len(catalogue.post_compact)
    if room < RECAP_ROOM_CHARS:
        yield f"post_compact: leaves {room} characters for the recap, under {RECAP_ROOM_CHARS}"
    room = INJECTION_LIMIT_CHARS - BRIEF_LIMIT_CHARS - len(catalogue.agent_post_compact)
    if room < AGENT_RECAP_ROOM_CHARS:
        yield f"agent_post_compact: leaves {room} characters, under {AGENT_RECAP_ROOM_CHARS}"
