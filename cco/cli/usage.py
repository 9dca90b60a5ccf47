"""cco usage: tokens, cost and time by agent, model, project, hour and session."""

from __future__ import annotations

from typing import Any

import click

from cco.cli.examples import examples
from cco.cli.figures import cost, model_time, tokens
from cco.cli.output import print_data, print_json, table, terminal_columns
from cco.cli.session_ids import shortened, whole_id
from cco.cli.terminal_paths import short_path
from cco.daemon.rendezvous import call

_TABLES = (
    ("agent", "agents"),
    ("model", "models"),
    ("project", "projects"),
    ("session_id", "sessions"),
)


@click.command(
    name="usage",
    help="Show tokens, cost and time by agent, model, project and session, as Claude Code itself"
    " reports them.",
    short_help="Show tokens, cost and time.",
    epilog=examples(
        ("cco usage", "all that the daemon knows"),
        ("cco usage --project .", "of the sessions in this folder"),
        ("cco usage --session ID --hours", "of one session, by the hour, too"),
    ),
)
@click.option("--session", "session_id", metavar="ID", help="Of one session only.")
@click.option(
    "--project",
    metavar="FOLDER",
    type=click.Path(resolve_path=True),
    help="Of the sessions in one folder only.",
)
@click.option("--hours", is_flag=True, help="By the hour, too (UTC).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(session_id: str | None, project: str | None, hours: bool, as_json: bool) -> None:
    from urllib.parse import urlencode

    given = {"session": session_id and whole_id(session_id), "project": project}
    query = urlencode({name: value for name, value in given.items() if value}, errors="replace")
    document = call("GET", "/api/v1/usage" + (f"?{query}" if query else ""))
    if as_json:
        print_json(document)
        return
    if not document["sessions"]:
        print_data("no usage yet")
        return
    kinds = [*_TABLES, *([("hour", "hours")] if hours else [])]
    for kind, rows in kinds:
        print_data(usage_table(kind, document[rows]) + "\n")
    print_data(f"total {cost(document['total'])}, {tokens(document['total'])} tokens")


def usage_table(kind: str, rows: list[dict[str, Any]]) -> str:
    """One table of usage rows, named by one of their fields."""
    names = {str(row[kind]): str(row[kind]) for row in rows}
    if kind == "session_id":
        names = dict(shortened(names))
    elif kind == "project":
        names = {name: short_path(name) for name in names}
    elif kind == "hour":
        names = {name: name[:16].replace("T", " ") for name in names}
    header = ("CALLS", "INPUT", "OUTPUT", "CACHED", "COST", "TIME")
    first = "HOUR (UTC)" if kind == "hour" else kind.removesuffix("_id").upper()
    return table(
        (first, *header),
        [
            (
                names[str(row[kind])],
                row["calls"],
                row["input_tokens"],
                row["output_tokens"],
                row["cache_read_tokens"] + row["cache_creation_tokens"],
                cost(row),
                model_time(row),
            )
            for row in rows
        ],
        columns=terminal_columns(),
        spare=("TIME", "CALLS", "CACHED"),
    )
