"""Definitions of specialists: Markdown with front matter, in both formats."""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from cco.catalogue.lint import agent_flaws
from cco.catalogue.markdown import FIELDS, read_definition
from cco.catalogue.model import OVERLAY, agent_from_document
from cco.catalogue.search import SearchIndex
from cco.claude.plugin import stub
from cco.errors import CatalogueInvalid
from tests.fuzz.in_process import scratch

WORDS = (
    *"""
    --- name: description: model: tools: keywords: opus sonnet haiku inherit Read Grep Edit
    !!int !!str !!bool !!binary !!timestamp !!set !!omap &a *a <<: ? | > {} [] %YAML %TAG
    mcp__a__b color:
    """.split(),
    "\r\n",
    "\ufeff",
    "---\nname: a-b\ndescription: c\nmodel: opus\ntools: Read\n---\n",
)


def run(data: bytes) -> None:
    """It is refused with file, line and reason, or is a specialist that can be used."""
    path = scratch() / "definition.md"
    path.write_bytes(data)
    try:
        definition = read_definition(path, OVERLAY)
    except CatalogueInvalid as error:
        check_refusal(str(error).removeprefix(f"{path}:"), data)
        return
    check_lines(definition.lines, data)
    agent = definition.agent
    flaws = list(agent_flaws(agent))
    assert agent_from_document({**agent.public(), "keywords": agent.keywords, "brief": agent.brief})
    index = SearchIndex.of([agent])
    index.search(agent.brief)
    assert json.dumps(agent.public(), ensure_ascii=False).encode()  # as it is sealed
    if not any(flaw.fatal for flaw in flaws):
        check_stub(stub(agent.public()), agent.public())


def check_refusal(told: str, data: bytes) -> None:
    """A refusal names a line of the file and a reason."""
    line, _, reason = told.partition(": ")
    assert 1 <= int(line) <= data.count(b"\n") + 2, told
    assert reason


def check_lines(lines: Mapping[str, int], data: bytes) -> None:
    """Every field is where it is said to be, and the brief behind all of them."""
    text = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    for name, line in lines.items():
        assert name == "brief" or line < lines["brief"]
        if name in FIELDS:
            assert name in text[line - 1] or "\\" in text[line - 1], (name, line)


def check_stub(text: str, public: dict[str, object]) -> None:
    """The stub that Claude Code reads says of a specialist what the definition says."""
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["name"] == public["name"]
    assert front["description"] == public["description"]
    assert front["model"] == public["model"]
