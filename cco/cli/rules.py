"""cco rules show."""

from __future__ import annotations

import click

from cco.catalogue.bundle import load_catalogue
from cco.cli.examples import examples
from cco.cli.output import print_json, print_prose


@click.group(
    name="rules",
    help="The rules of orchestrated work that every session is given.",
    short_help="Show the rules of orchestrated work.",
    epilog=examples(("cco rules show", "read them")),
)
def group() -> None:
    pass


@group.command(
    help="Print the rules that every session is given, as the model reads them.",
    short_help="Print the rules of every session.",
    epilog=examples(("cco rules show", "read them")),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(as_json: bool) -> None:
    catalogue = load_catalogue()
    if as_json:
        print_json({"rules": catalogue.rules})
    else:
        print_prose(catalogue.rules)
