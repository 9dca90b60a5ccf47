"""How `cco top` shows a picture: lines for a terminal of a size, from nothing but what is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cco.cli.columns import fit, fit_end, pad, width
from cco.cli.output import printable
from cco.cli.sessions import asked, clock, cost, state, tokens, waits_of
from cco.cli.top_tree import agents_tree, figure

SORTS = ("cost", "tokens", "time")
_HEADER = ("STATE", "MODEL", "TOOLS", "TOKENS", "COST", "TIME")
_FROM_THE_RIGHT = frozenset(("TOOLS", "TOKENS", "COST", "TIME"))
_GIVES_WAY = {"TOOLS": 30, "MODEL": 26, "STATE": 22, "TIME": 22, "TOKENS": 22, "COST": 22}
"""What a narrow terminal goes without, in this order, where names would have fewer columns."""
_CELL_COLUMNS = 20
_ID_CHARS = 8
_QUIET_S = 60
_CENT = 0.01
_COMPACT_FROM = 10_000
_THOUSANDS_BELOW = 999_950
_UNITS = ("", "K", "M", "G")
_GAP = "  "
_MODEL = re.compile(r"claude-(.+?)(?:-20[0-9]{6})?")
_HELP = (
    "q         quit",
    "↑ ↓ j k   one line up or down; PgUp, PgDn, Home and End do more",
    "s         sort by cost, by tokens, by time",
    "a         show or hide agents that have ended",
    "?         this text, and back",
    "",
    "TOKENS are all kinds together, cached ones included.",
    "TIME is how long something has run.",
    "A session's row is the sum of the rows below it; an agent's is its own.",
    "(session itself) is the main conversation.",
)


@dataclass(frozen=True)
class Line:
    """One line of the screen."""

    text: str
    style: str = ""
    """`strong`, `faint`, `alarm`, `heading` or nothing."""


@dataclass
class View:
    """What a person has chosen to see."""

    sort: str = SORTS[0]
    shows_ended: bool = True
    shows_help: bool = False
    offset: int = 0


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


def whole(picture: Mapping[str, Any], view: View, columns: int | None) -> list[Line]:
    """All of a picture, however long; as wide as it is where there is no terminal."""
    return [*_summary(picture, columns, ""), Line(""), *_table(picture, view, columns)]


def screen(
    picture: Mapping[str, Any], view: View, columns: int, rows: int, message: str = ""
) -> list[Line]:
    """What fits a terminal. Brings the view's offset back to where there is something to see."""
    top = [*_summary(picture, columns, message), Line("")]
    if view.shows_help:
        body = [Line(fit(text, columns)) for text in _HELP]
    else:
        heading, *body = _table(picture, view, columns)
        top.append(heading)
    room = max(rows - len(top) - 1, 1)
    view.offset = max(min(view.offset, len(body) - room), 0)
    shown = body[view.offset : view.offset + room]
    blank = [Line("")] * (room - len(shown))
    ended = "shown" if view.shows_ended else "hidden"
    last = view.offset + len(shown)
    keys = f"q quit  s sort: {view.sort}  a ended: {ended}  ? help"
    if len(shown) < len(body):
        keys += f"  ↑↓ {view.offset + 1}-{last} of {len(body)}"
    foot = Line(fit(keys, columns), "faint")
    return [*top, *shown, *blank, foot][: max(rows, 0)]


# --- the summary ---


def _summary(picture: Mapping[str, Any], columns: int | None, message: str) -> list[Line]:
    daemon, sessions = picture["daemon"], picture["sessions"]
    up = clock(daemon["uptime_s"])
    state = message or f"daemon {daemon['status']}, version {daemon['version']}, up {up}"
    first = printable(f"cco top: {state}")
    first = first if columns is None else fit(first, columns)
    working = sum(run["status"] == "running" for one in sessions for run in one["agents"])
    pieces = [
        f"total {cost(picture['total'])}, {_tokens(picture['total'])} tokens",
        f"today ${picture['today_usd']:.4f}",
        f"{_count(len(sessions), 'session')}, {_count(working, 'agent')} at work",
    ]
    waiting = sum(bool(one["waiting"]) for one in sessions)
    if waiting:
        pieces.append(f"{_count(waiting, 'session')} waiting for you")
    conflicts = sum(one.get("conflicts", 0) for one in sessions)
    if conflicts:
        pieces.append(_count(conflicts, "edit conflict"))
    day = (picture["budget"] or {}).get("day") or {}
    if day.get("limit_usd") is not None:
        pieces.append(f"budget of today {_budget(day)}")
    foreign = picture["foreign"] or {}
    if foreign.get("sessions"):
        pieces.append(f"not ours: {_count(foreign['sessions'], 'session')}, {cost(foreign)}")
    told = [Line(text) for text in _packed(pieces, columns)]
    return [Line(first, "alarm" if message else "strong"), *told]


def _packed(pieces: Iterable[str], columns: int | None) -> Iterator[str]:
    """Put pieces on as few lines as they fit on."""
    line = ""
    for piece in map(printable, pieces):
        longer = f"{line}   {piece}" if line else piece
        if line and columns is not None and width(longer) > columns:
            yield fit(line, columns)
            longer = piece
        line = longer
    yield line if columns is None else fit(line, columns)


def _budget(one: Mapping[str, Any]) -> str:
    percent = one.get("used_percent")
    used = "" if percent is None else f" ({percent} %)"
    return f"{_usd(one['spent_usd'])} of {_usd(one['limit_usd'])}{used}"


def _usd(amount: float) -> str:
    """Dollars; less than a cent is not nothing."""
    return f"${amount:.{4 if 0 < amount < _CENT else 2}f}"


# --- the table ---


def _table(picture: Mapping[str, Any], view: View, columns: int | None) -> list[Line]:
    """The heading and the rows."""
    now = picture["time"]
    sessions = sorted(
        picture["sessions"],
        key=lambda one: (-figure(one, view.sort, now), one["started_at"], one["session_id"]),
    )
    rows = [row for one in sessions for row in _session_rows(one, picture, view)]
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
    session: Mapping[str, Any], picture: Mapping[str, Any], view: View
) -> Iterator[_Row]:
    now, runs = picture["time"], session["agents"]
    tools = session["tool_calls"] + sum(run["tool_calls"] for run in runs)
    lead = printable(session["session_id"])[:_ID_CHARS] + " "
    project = printable(session["project"] or "(unknown folder)")
    status = state(session, session["waiting"], now)
    summed = _cells(session, status, session["usage"], tools, now)
    yield _Row(lead, project, summed, "strong", is_path=True)
    branches = list(agents_tree(runs, view.sort, now, with_ended=view.shows_ended))
    hidden = _hidden(runs, {run["agent_id"] for _, run in branches})
    status = state(session, waits_of(session, None), now)
    own = _cells(session, status, session["own_usage"], session["tool_calls"], now)
    last = not branches and hidden is None
    yield from _told(session, picture)
    itself = f"(session itself), {_count(session['prompts'], 'prompt')}"
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
            told.append(_count(session[field], noun))
    for budget in (picture["budget"] or {}).get("sessions", ()):
        if budget["session_id"] == session["session_id"] and budget["limit_usd"] is not None:
            told.append(f"budget {_budget(budget)}")
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
    cells = ("ended", "", str(tools), _compact(summed), f"${usd:.4f}", "")
    return _Row("└─ ", f"({_count(len(hidden), 'agent')})", cells, "faint")


def _cells(
    one: Mapping[str, Any], status: str, usage: dict[str, Any], tools: int, now: float
) -> tuple[str, ...]:
    model = printable(one["model"] or "-")
    known = _MODEL.fullmatch(model)
    return (
        fit(printable(status), _CELL_COLUMNS),
        fit(known[1] if known else model, _CELL_COLUMNS),
        str(tools),
        _tokens(usage),
        cost(usage),
        clock(figure(one, "time", now)),
    )


def _tokens(usage: dict[str, Any]) -> str:
    return _compact(tokens(usage))


def _compact(number: int) -> str:
    """A figure to be read at a glance: exact below ten thousand, then to a decimal."""
    if number < _COMPACT_FROM:
        return str(number)
    power = 1 if number < _THOUSANDS_BELOW else 2 if number < 1000 * _THOUSANDS_BELOW else 3
    return f"{number / 1000**power:.1f}{_UNITS[power]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
