"""cco demo: the whole thing, offline, without an account."""

from __future__ import annotations

import click

from cco.cli.examples import examples
from cco.cli.output import print_data, print_prose, printable


@click.command(
    name="demo",
    help="Run a whole orchestrated session offline and without an account: the real Claude Code,"
    " a scripted model on this machine, throwaway folders.",
    short_help="Run a whole session offline, without an account.",
    epilog=examples(
        ("cco demo", "see it work"),
        ("cco demo --keep", "and keep the files for a look at them"),
    ),
)
@click.option("--keep", is_flag=True, help="Keep the throwaway folder and say where it is.")
def command(keep: bool) -> None:
    from cco.demo.story import tell

    tell(_say, keep=keep)
    print_data("\nAll of this really happened. To work with it: cco, in a project of yours.")


def _say(text: str) -> None:
    for line in text.split("\n"):
        print_prose(printable(line))
