"""The agents of a session as a tree: who started whom, in the order that is asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cco.cli.figures import tokens

_DEEPEST = 6
"""Agents further down are drawn at this depth: their names need room too."""
Run = Mapping[str, Any]


def agents_tree(
    runs: Sequence[Run], sort: str, now: float, *, with_ended: bool = True
) -> Iterator[tuple[str, Run]]:
    """Every agent, each below the one that started it, with the lines that lead to it.

    Without ended ones, those stay that started one which still runs.
    """
    by_id = {str(run["agent_id"]): run for run in runs}
    parents = _parents(by_id)
    kept = set(by_id) if with_ended else _running_branches(by_id, parents)
    children: dict[str | None, list[str]] = defaultdict(list)
    for one, parent in parents.items():
        if one in kept:
            children[parent].append(one)
    for siblings in children.values():  # the last comes first off the stack
        siblings.sort(key=lambda one: _rank(by_id[one], sort, now), reverse=True)
    all_kept = len(kept) == len(by_id)  # else whoever draws this has a last row to add
    stack = [("", one, all_kept and not index) for index, one in enumerate(children[None])]
    while stack:
        lead, one, is_last = stack.pop()
        yield lead + ("└─ " if is_last else "├─ "), by_id[one]
        below = lead + ("   " if is_last else "│  ")
        if len(below) > _DEEPEST * 3:
            below = lead
        stack += [(below, child, not index) for index, child in enumerate(children[one])]


def figure(one: Mapping[str, Any], sort: str, now: float) -> float:
    """What a session or an agent is sorted by: its cost, its tokens, or how long it has run."""
    if sort == "cost":
        return float(one["usage"]["cost_usd"])
    if sort == "tokens":
        return tokens(one["usage"])
    end = one["ended_at"]
    return max((now if end is None else float(end)) - float(one["started_at"]), 0.0)


def _rank(run: Run, sort: str, now: float) -> tuple[float, float, str]:
    return -figure(run, sort, now), float(run["started_at"]), str(run["agent_id"])


def _parents(by_id: Mapping[str, Run]) -> dict[str, str | None]:
    """Who started each; None for the session, for the unknown, and where a circle is cut open."""
    parents = {
        one: parent if (parent := run.get("parent_id")) in by_id else None
        for one, run in by_id.items()
    }
    sound: set[str] = set()
    for one in by_id:
        path: set[str] = set()
        at: str | None = one
        while at is not None and at not in sound and at not in path:
            path.add(at)
            at = parents[at]
        if at in path:
            parents[str(at)] = None
        sound |= path
    return parents


def _running_branches(by_id: Mapping[str, Run], parents: Mapping[str, str | None]) -> set[str]:
    kept: set[str] = set()
    for one, run in by_id.items():
        at: str | None = one if run["status"] == "running" else None
        while at is not None and at not in kept:
            kept.add(at)
            at = parents[at]
    return kept
