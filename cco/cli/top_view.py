"""How `cco top` shows a picture: lines for a terminal of a size, from nothing but what is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cco.cli.columns import fit
from cco.cli.top_line import Line
from cco.cli.top_summary import summary
from cco.cli.top_table import table

SORTS = ("cost", "tokens", "time")
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


@dataclass
class View:
    """What a person has chosen to see."""

    sort: str = SORTS[0]
    shows_ended: bool = True
    shows_help: bool = False
    offset: int = 0


def whole(picture: Mapping[str, Any], view: View, columns: int | None) -> list[Line]:
    """All of a picture, however long; as wide as it is where there is no terminal."""
    return [*summary(picture, columns, ""), Line(""), *_table(picture, view, columns)]


def screen(
    picture: Mapping[str, Any], view: View, columns: int, rows: int, message: str = ""
) -> list[Line]:
    """What fits a terminal. Brings the view's offset back to where there is something to see."""
    top = [*summary(picture, columns, message), Line("")]
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


def _table(picture: Mapping[str, Any], view: View, columns: int | None) -> list[Line]:
    return table(picture, columns, sort=view.sort, with_ended=view.shows_ended)
