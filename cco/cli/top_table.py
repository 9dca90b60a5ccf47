"""The table of `cco top`: a row for each session, below it one for each of its agents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cco.cli.columns import fit, fit_end, pad, width
from cco.cli.figures import clock, compact, cost, count, exact_usd, spent_of, tokens
from cco.cli.output import printable
from cco.cli.top_line import Line
from cco.cli.top_tree import agents_tree, figure
from cco.cli.waiting import asked, state, waits_of

_HEADER = ("STATE", "MODEL", "TOOLS", "TOKENS", "COST", "TIME")
_FROM_THE_RIGHT = frozenset(("TOOLS", "TOKENS", "COST", "TIME"))
_GIVES_WAY = {"TOOLS": 30, "MODEL": 26, "STATE": 22, "TIME": 22, "TOKENS": 22, "COST": 22}
"""What a narrow terminal goes without, in this order, where names would have fewer columns."""
_CELL_COLUMNS = 20
_ID_CHARS = 8
_QUIET_S = 60
_GAP = "  "
_MODEL = re.compile(r"claude-(.+?)(?:-20[0-9]{6})?")


@dataclass(frozen=True)
class _Row:
    lead: str
    """Before the name, and never cut for it: a session's id, an agent's place in the tree."""
    name: str
    cells: tuple[str, ...] = ("",) * len(_HEADER)
    style: str = ""
    is_path: bool = False
    is_text: bool = False
    """Without cells, and as wide as the terminal."""


def table(
    picture: Mapping[str, Any], columns: int | None, *, sort: str, with_ended: bool
) -> list[Line]:
    """The heading, then a row for each session and agent."""
    now = picture["time"]
    sessions = sorted(
        picture["sessions"],
        key=lambda one: (-figure(one, sort, now), one["started_at"], one["session_id"]),
    )
    rows = [row for one in sessions for row in _session_rows(one, picture, sort, with_ended)]
    if picture["more_sessions"]:
        more = "more sessions run than are shown here: cco sessions"
        rows.append(_Row("", more, style="faint", is_text=True))
    if not sessions:
        none = "no session runs; cco in a project folder starts one"
        rows.append(_Row("", none, style="faint", is_text=True))
    widths = [
        max(width(head), *(width(row.cells[index]) for row in rows))
        for index, head in enumerate(_HEADER)
    ]
    kept, name_columns = _layout(widths, rows, columns)
    heading = _line("SESSION AND AGENTS", name_columns, _HEADER, widths, kept)
    lines = [Line(heading, "heading")]
    for row in rows:
        if row.is_text:
            lines.append(Line(row.lead + row.name, row.style))
            continue
        room = max(name_columns - width(row.lead), 0)
        name = row.lead + (_fit_path if row.is_path else fit)(row.name, room)
        lines.append(Line(_line(name, name_columns, row.cells, widths, kept), row.style))
    if columns is None:
        return lines
    return [Line(fit(line.text, columns), line.style) for line in lines]


def _layout(widths: list[int], rows: list[_Row], columns: int | None) -> tuple[list[int], int]:
    """Which columns are kept, and how wide the name is."""
    named = [width(row.lead) + width(row.name) for row in rows if not row.is_text]
    natural = max(*named, len("SESSION AND AGENTS"), 0)
    kept = list(range(len(_HEADER)))
    if columns is None:
        return kept, natural
    for head, wanted in _GIVES_WAY.items():
        room = columns - sum(widths[index] + len(_GAP) for index in kept)
        if room >= min(natural, wanted):
            return kept, min(room, natural)
        kept.remove(_HEADER.index(head))
    return kept, min(columns, natural)


def _line(
    name: str, name_columns: int, cells: Iterable[str], widths: list[int], kept: list[int]
) -> str:
    all_cells = list(cells)
    parts = [pad(fit(name, name_columns), name_columns)]
    for index in kept:
        right = _HEADER[index] in _FROM_THE_RIGHT
        parts.append(pad(all_cells[index], widths[index], right=right))
    return _GAP.join(parts).rstrip()


def _session_rows(
    session: Mapping[str, Any], picture: Mapping[str, Any], sort: str, with_ended: bool
) -> Iterator[_Row]:
    now, runs = picture["time"], session["agents"]
    tools = session["tool_calls"] + sum(run["tool_calls"] for run in runs)
    lead = printable(session["session_id"])[:_ID_CHARS] + " "
    project = printable(session["project"] or "(unknown folder)")
    status = state(session, session["waiting"], now)
    summed = _cells(session, status, session["usage"], tools, now)
    yield _Row(lead, project, summed, "strong", is_path=True)
    branches = list(agents_tree(runs, sort, now, with_ended=with_ended))
    hidden = _hidden(runs, {run["agent_id"] for _, run in branches})
    status = state(session, waits_of(session, None), now)
    own = _cells(session, status, session["own_usage"], session["tool_calls"], now)
    last = not branches and hidden is None
    yield from _told(session, picture)
    itself = f"(session itself), {count(session['prompts'], 'prompt')}"
    yield _Row("└─ " if last else "├─ ", itself, own)
    for lead, run in branches:
        yield _agent_row(lead, run, waits_of(session, run["agent_id"]), now)
    if hidden is not None:
        yield hidden


def _agent_row(
    lead: str, run: Mapping[str, Any], waits: Sequence[Mapping[str, Any]], now: float
) -> _Row:
    name = run["name"] or "(unknown)"
    name += f": {run['description']}" if run["description"] else ""
    style = "alarm" if waits else {"running": "", "done": "faint"}.get(run["status"], "alarm")
    cells = _cells(run, state(run, waits, now), run["usage"], run["tool_calls"], now)
    return _Row(lead, printable(name), cells, style)


def _fit_path(path: str, columns: int) -> str:
    """A path that takes at most so many columns; rather its last part alone than that part cut."""
    last = re.split(r"[/\\]", path)[-1]
    is_cut = width(path) > columns and width(last) > columns - 2
    return last if is_cut and width(last) <= columns else fit_end(path, columns)


def _told(session: Mapping[str, Any], picture: Mapping[str, Any]) -> Iterator[_Row]:
    """What is out of the ordinary in a session, on a line of its own."""
    told, style = [], "faint"
    if session["waiting"]:
        told.append(f"waits for you: {asked(session)}")
        style = "alarm"
    for field, noun in (
        ("compactions", "compaction"),
        ("conflicts", "edit conflict"),
        ("api_errors", "API error"),
    ):
        if session.get(field):
            told.append(count(session[field], noun))
    for budget in (picture["budget"] or {}).get("sessions", ()):
        if budget["session_id"] == session["session_id"] and budget["limit_usd"] is not None:
            told.append(f"budget {spent_of(budget)}")
            style = "alarm" if budget.get("state") == "reached" else style
    quiet_s = picture["time"] - session["last_seen_at"]
    if quiet_s >= _QUIET_S:
        told.append(f"quiet for {int(quiet_s) // 60} min")
    if told:
        yield _Row("│  ", printable(", ".join(told)), style=style, is_text=True)


def _hidden(runs: Iterable[Mapping[str, Any]], shown: set[str]) -> _Row | None:
    """One row for all agents that are not shown, so that the rows still add up."""
    hidden = [run for run in runs if run["agent_id"] not in shown]
    if not hidden:
        return None
    tools = sum(run["tool_calls"] for run in hidden)
    summed = sum(tokens(run["usage"]) for run in hidden)
    usd = sum(run["usage"]["cost_usd"] for run in hidden)
    cells = ("ended", "", str(tools), compact(summed), exact_usd(usd), "")
    return _Row("└─ ", f"({count(len(hidden), 'agent')})", cells, "faint")


def _cells(
    one: Mapping[str, Any], status: str, usage: dict[str, Any], tools: int, now: float
) -> tuple[str, ...]:
    model = printable(one["model"] or "-")
    known = _MODEL.fullmatch(model)
    return (
        fit(printable(status), _CELL_COLUMNS),
        fit(known[1] if known else model, _CELL_COLUMNS),
        str(tools),
        compact(tokens(usage)),
        cost(usage),
        clock(figure(one, "time", now)),
    )
