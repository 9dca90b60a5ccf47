"""cco rules show."""

from __future__ import annotations

import click

from cco.catalogue.bundle import load_catalogue
from cco.cli.output import print_data, print_json


@click.group(name="rules", help="The rules of orchestrated work.")
def group() -> None:
    pass


@group.command(help="Print the rules that every session is given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(as_json: bool) -> None:
    catalogue = load_catalogue()
    if as_json:
        print_json({"rules": catalogue.rules})
    else:
        print_data(catalogue.rules)
