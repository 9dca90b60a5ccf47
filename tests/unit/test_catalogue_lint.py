"""The rules of the catalogue: ours keeps them all, and each is found when it is broken."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import combinations
from math import log, sqrt

import pytest

from cco.catalogue.lint import (
    BRIEF_WORDS,
    COUNT,
    LISTING_LIMIT_TOKENS,
    TOOLS,
    agent_flaws,
    catalogue_flaws,
    listing_tokens,
)
from cco.catalogue.markdown import load_markdown
from cco.catalogue.model import OVERLAY, TEXTS, Agent, Catalogue

CATALOGUE = load_markdown()
AGENTS = {agent.name: agent for agent in CATALOGUE.agents}
MAX_COSINE = 0.3
LOOKS_ONLY = ("auditor", "reviewer", "researcher", "explorer", "analyst", "manager")


def agent(called: str, words: str, **changes: object) -> Agent:
    """A definition without a flaw, whose brief is made of its own words."""
    brief = f"Hand on to `{'b-helper' if called == 'a-helper' else 'a-helper'}`. "
    brief += " ".join(f"{words}{number}" for number in range(BRIEF_WORDS.start))
    made = Agent(called, f"Do {words} work", "sonnet", ("Read",), (words,), brief)
    return replace(made, **changes)  # type: ignore[arg-type]


def catalogue(*agents: Agent, **texts: str) -> Catalogue:
    told = dict.fromkeys(TEXTS, "Some text: $state")
    return Catalogue(agents, **{**told, **texts})


GOOD = (agent("a-helper", "one"), agent("b-helper", "two"))


def test_ours_keeps_every_rule() -> None:
    assert catalogue_flaws(CATALOGUE) == []
    assert len(AGENTS) == len(CATALOGUE.agents) == COUNT == 119


def test_a_good_one_has_no_flaw() -> None:
    assert catalogue_flaws(catalogue(*GOOD)) == []


def test_each_brief_is_of_its_own_words() -> None:
    """The angle between any two briefs as vectors of their words, rare words weighing more."""
    counts = {
        name: Counter(re.findall(r"[a-z][a-z0-9_.+-]+", one.brief.lower()))
        for name, one in AGENTS.items()
    }
    spread = Counter(word for words in counts.values() for word in words)
    vectors = {}
    for name, words in counts.items():
        vector = {word: n * log(len(counts) / spread[word]) for word, n in words.items()}
        length = sqrt(sum(weight * weight for weight in vector.values()))
        vectors[name] = {word: weight / length for word, weight in vector.items()}
    for (one, of_one), (other, of_other) in combinations(vectors.items(), 2):
        cosine = sum(weight * of_other.get(word, 0.0) for word, weight in of_one.items())
        assert cosine < MAX_COSINE, f"{one} and {other} say the same: {cosine:.2f}"


def test_no_heading_is_a_template() -> None:
    headings = Counter(
        line for one in AGENTS.values() for line in one.brief.splitlines() if line.startswith("##")
    )
    assert [line for line, times in headings.items() if times > COUNT // 10] == []


def test_who_looks_and_judges_cannot_edit() -> None:
    looking = [one for one in AGENTS.values() if one.name.endswith(LOOKS_ONLY)]
    assert len(looking) >= 6
    for one in looking:
        assert not {"Edit", "NotebookEdit"} & set(one.tools), one.name
    architect = AGENTS["chief-architect"]
    assert set(architect.tools) == {"Read", "Grep", "Glob", "Agent"}


def test_tiers_are_chosen_not_defaulted() -> None:
    tiers = Counter(one.model for one in AGENTS.values())
    assert set(tiers) == {"opus", "sonnet", "haiku", "inherit"}
    assert max(tiers.values()) < COUNT * 0.85


@pytest.mark.parametrize(
    ("changes", "field", "fatal"),
    [
        ({"name": "Bad Name"}, "name", True),
        ({"name": "-a"}, "name", True),
        ({"name": "../a"}, "name", True),
        ({"name": "a" * 41}, "name", True),
        ({"name": "con"}, "name", True),
        ({"name": "com1"}, "name", True),
        ({"description": ""}, "description", True),
        ({"description": "one\ntwo"}, "description", True),
        ({"description": "bell \x07"}, "description", True),
        ({"description": "d" * 81}, "description", False),
        ({"description": "d" * 401}, "description", True),
        ({"model": "claude-sonnet-4-5-20250929"}, "model", True),
        ({"model": ""}, "model", True),
        ({"tools": ()}, "tools", True),
        ({"tools": ("Read", "Shell")}, "tools", True),
        ({"tools": ("Read", "mcp__")}, "tools", True),
        ({"tools": ("Read", "Read")}, "tools", False),
        ({"name": "diff-reviewer", "tools": ("Read", "Edit")}, "tools", False),
        ({"keywords": ()}, "keywords", False),
        ({"keywords": ("k",) * 101}, "keywords", False),
        ({"brief": " "}, "brief", True),
        ({"brief": "word " * 249}, "brief", False),
        ({"brief": "word " * 901}, "brief", False),
        ({"brief": "longword " * 1_001}, "brief", True),
        ({"brief": "You are a senior engineer. " + "word " * 300}, "brief", False),
        ({"brief": "As an AI, take care. " + "word " * 300}, "brief", False),
    ],
)
def test_each_flaw_is_found(changes: dict[str, object], field: str, fatal: bool) -> None:
    flaws = list(agent_flaws(agent("a-helper", "one", **changes)))
    assert [flaw.field for flaw in flaws if flaw.fatal is fatal] == [field]


@pytest.mark.parametrize("tool", [*sorted(TOOLS), "mcp__git", "mcp__git__log", "mcp__my-own*"])
def test_tools_that_claude_code_has(tool: str) -> None:
    assert list(agent_flaws(agent("a-helper", "one", tools=(tool,)))) == []


def test_flaws_of_the_whole() -> None:
    (one, two), most = GOOD, "x" * 9_001
    cases = {
        "b-helper: two agents have this name": catalogue(*GOOD, two),
        "b-helper: is described as a-helper is": catalogue(
            one, replace(two, description=one.description.upper())
        ),
        "a-helper: shares text with b-helper": catalogue(one, replace(two, brief=one.brief)),
        "a-helper: hands work to c-helper, whom nobody knows": catalogue(
            replace(one, brief=one.brief + " `c-helper`"), two
        ),
        "a-helper: the brief names no other": catalogue(
            replace(one, brief=one.brief.replace("`", "")), two
        ),
        "listing: ": catalogue(
            *GOOD, *(agent(f"n-{n}-helper", f"w{n}x", source=OVERLAY) for n in range(400))
        ),
        "rules: empty": catalogue(*GOOD, rules=" "),
        "rules: 9001 characters": catalogue(*GOOD, rules=most),
        "pre_compact: no $state": catalogue(*GOOD, pre_compact="Keep all"),
        "agent_post_compact: no $state": catalogue(*GOOD, agent_post_compact="Go on"),
        "post_compact: leaves ": catalogue(*GOOD, rules="r" * 7_000),
        "agent_post_compact: leaves ": catalogue(*GOOD, agent_post_compact="$state" + "x" * 400),
    }
    for line, broken in cases.items():
        assert [found for found in catalogue_flaws(broken) if found.startswith(line)], line


def test_the_listing_is_counted_as_it_is_listed() -> None:
    (one, _) = GOOD
    assert listing_tokens([one]) == -(-len("- cco:a-helper: Do one work (Tools: Read)\n") // 4)
    assert listing_tokens(AGENTS.values()) <= LISTING_LIMIT_TOKENS
