"""cco top: what runs, as it runs, at the terminal."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from cco.cli.examples import examples
from cco.cli.output import print_data, print_json, terminal_columns
from cco.cli.top_data import take_picture
from cco.cli.top_screen import Screen, opened_screen
from cco.cli.top_view import SORTS, View, screen, whole
from cco.errors import DaemonError, SealError
from cco.sealing.identity import current_identity

Source = Callable[[], dict[str, Any]]
_LAZINESS = 5
"""A daemon that takes long to answer is asked the more seldom: it is left so much time for more
important things, in multiples of the time that it took."""
_SHORTEST_S = 0.2
_GONE = "daemon gone, waiting"


def _number(_context: click.Context, _option: click.Parameter, value: float) -> float:
    if math.isnan(value):  # which is in every range
        raise click.BadParameter("it must be a number")
    return value


@click.command(
    name="top",
    help="Show live what runs: sessions, the tree of their agents, tokens, cost, time and budgets."
    " q quits, ? shows the other keys.",
    short_help="Show live what runs.",
    epilog=examples(
        ("cco top", "live, until q"),
        ("cco top --once", "one picture, for a script or a pipe"),
        ("cco top --interval 10", "look every ten seconds"),
    ),
)
@click.option("--once", is_flag=True, help="Print one picture and end.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures of one picture as JSON.")
@click.option(
    "--interval",
    "interval_s",
    default=2.0,
    show_default=True,
    type=click.FloatRange(_SHORTEST_S, 3600),
    callback=_number,
    metavar="SECONDS",
    help="How long to wait between looks.",
)
def command(once: bool, as_json: bool, interval_s: float) -> None:
    identity = current_identity()

    def source() -> dict[str, Any]:
        return take_picture(identity)

    first = source()
    if as_json:
        print_json(first)
    elif once or not _is_live():
        for line in whole(first, View(), terminal_columns()):
            print_data(line.text)
    else:
        _live(source, first, interval_s)


def _live(source: Source, picture: dict[str, Any], interval_s: float) -> None:
    view, message = View(), ""
    due = time.monotonic() + interval_s
    styled = not os.environ.get("NO_COLOR")
    with suppress(EOFError), opened_screen(styled=styled) as terminal:
        while True:
            columns, rows = terminal.size()
            terminal.draw(screen(picture, view, columns, rows, message))
            if not _obey(terminal, view, due - time.monotonic(), rows):
                return
            began = time.monotonic()
            if began < due:
                continue
            rest_s = interval_s
            try:
                picture, message = source(), ""
                rest_s = max(interval_s, _LAZINESS * (time.monotonic() - began))
            except (DaemonError, SealError):
                message = _GONE
            due = time.monotonic() + rest_s


def _obey(terminal: Screen, view: View, timeout_s: float, rows: int) -> bool:
    """Wait for keys and do what they say; False to end."""
    page = max(rows - 6, 1)
    steps = {"up": -1, "down": 1, "page up": -page, "page down": page}
    for key in terminal.keys(max(timeout_s, 0.0)):
        if key == "q":
            return False
        if key == "s":
            view.sort = SORTS[(SORTS.index(view.sort) + 1) % len(SORTS)]
        elif key == "a":
            view.shows_ended = not view.shows_ended
        elif key == "?":
            view.shows_help, view.offset = not view.shows_help, 0
        elif key in ("home", "end"):
            view.offset = 0 if key == "home" else sys.maxsize
        view.offset = max(view.offset + steps.get(key, 0), 0)
    return True


def _is_live() -> bool:
    """Whether there is a terminal that can be drawn on, and somebody at it."""
    kind = os.environ.get("TERM", "" if os.name != "nt" else "windows")
    return kind not in ("", "dumb") and sys.stdin.isatty() and sys.stdout.isatty()
