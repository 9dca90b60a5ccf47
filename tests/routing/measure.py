"""Print how well specialists are found for the sentences in this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cco.catalogue.markdown import load_markdown
from cco.catalogue.search import SearchIndex

FOLDER = Path(__file__).parent
HALVES = ("tuning", "held_out")


def lines(name: str) -> list[dict[str, Any]]:
    """The entries of one file: `text`, and `agent` where a specialist is needed."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines()]


def measure(index: SearchIndex, half: str) -> dict[str, float]:
    """Shares from 0 to 1: the right one first, among three, hinted at; and rightly no hint."""
    tasks, quiet = lines(half), lines(f"{half}_quiet")
    ranked = [[match.name for match in index.search(task["text"], 3)] for task in tasks]
    pairs = list(zip((task["agent"] for task in tasks), ranked, strict=True))
    hinted = [
        task["agent"] in {match.name for match in index.fitting(task["text"])} for task in tasks
    ]
    return {
        "top_1": sum(names[:1] == [agent] for agent, names in pairs) / len(tasks),
        "top_3": sum(agent in names for agent, names in pairs) / len(tasks),
        "hinted": sum(hinted) / len(tasks),
        "quiet": sum(not index.fitting(prompt["text"]) for prompt in quiet) / len(quiet),
    }


def main() -> None:
    """Measure both halves."""
    index = SearchIndex.of(load_markdown().agents)
    for half in HALVES:
        figures = measure(index, half)
        print(half, *(f"{name} {value:.3f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
