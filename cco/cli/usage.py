"""cco usage: tokens, cost and time by agent, model and session."""

from __future__ import annotations

from typing import Any

import click

from cco.cli.output import print_data, print_json, table
from cco.cli.sessions import cost, seconds, tokens
from cco.daemon.rendezvous import call


@click.command(name="usage", help="Show tokens, cost and time by agent, model and session.")
@click.option("--session", "session_id", help="Of one session only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(session_id: str | None, as_json: bool) -> None:
    from urllib.parse import urlencode

    query = f"?{urlencode({'session': session_id})}" if session_id else ""
    document = call("GET", f"/api/v1/usage{query}")
    if as_json:
        print_json(document)
        return
    if not document["sessions"]:
        print_data("no usage yet")
        return
    for kind, rows in (("agent", "agents"), ("model", "models"), ("session_id", "sessions")):
        print_data(usage_table(kind, document[rows]) + "\n")
    print_data(f"total {cost(document['total'])}, {tokens(document['total'])} tokens")


def usage_table(kind: str, rows: list[dict[str, Any]]) -> str:
    """One table of usage rows, named by one of their fields."""
    header = ("CALLS", "INPUT", "OUTPUT", "CACHED", "COST", "TIME")
    return table(
        (kind.removesuffix("_id").upper(), *header),
        [
            (
                row[kind],
                row["calls"],
                row["input_tokens"],
                row["output_tokens"],
                row["cache_read_tokens"] + row["cache_creation_tokens"],
                cost(row),
                seconds(row),
            )
            for row in rows
        ],
    )
