"""What `cco top` says of everything together, above its table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cco.cli.columns import fit, width
from cco.cli.figures import clock, compact, cost, count, exact_usd, spent_of, tokens
from cco.cli.output import printable
from cco.cli.top_line import Line


def summary(picture: Mapping[str, Any], columns: int | None, message: str) -> list[Line]:
    """A heading, in which a message takes the daemon's place, and the sums below it."""
    daemon, sessions = picture["daemon"], picture["sessions"]
    up = clock(daemon["uptime_s"])
    standing = message or f"daemon {daemon['status']}, version {daemon['version']}, up {up}"
    first = printable(f"cco top: {standing}")
    first = first if columns is None else fit(first, columns)
    working = sum(run["status"] == "running" for one in sessions for run in one["agents"])
    pieces = [
        f"total {cost(picture['total'])}, {compact(tokens(picture['total']))} tokens",
        f"today {exact_usd(picture['today_usd'])}",
        f"{count(len(sessions), 'session')}, {count(working, 'agent')} at work",
    ]
    waiting = sum(bool(one["waiting"]) for one in sessions)
    if waiting:
        pieces.append(f"{count(waiting, 'session')} waiting for you")
    conflicts = sum(one.get("conflicts", 0) for one in sessions)
    if conflicts:
        pieces.append(count(conflicts, "edit conflict"))
    day = (picture["budget"] or {}).get("day") or {}
    if day.get("limit_usd") is not None:
        pieces.append(f"budget of today {spent_of(day)}")
    foreign = picture["foreign"] or {}
    if foreign.get("sessions"):
        pieces.append(f"not ours: {count(foreign['sessions'], 'session')}, {cost(foreign)}")
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
