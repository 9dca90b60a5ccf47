"""cco sessions: what runs and what ran."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from cco.claude import versions
from cco.cli.examples import examples
from cco.cli.output import print_data, print_json, table
from cco.cli.paging import pages
from cco.cli.session_ids import PAGE, shortened, whole_id
from cco.cli.terminal_paths import short_path
from cco.daemon.rendezvous import call


@click.command(
    name="sessions",
    help="Show what runs and what ran, the latest first; or one session with its agents, named by"
    " its id or by how that begins.",
    short_help="Show what runs and what ran.",
    epilog=examples(
        ("cco sessions", "all that the daemon knows"),
        ("cco sessions ID", "one, with its agents"),
    ),
)
@click.argument("session_id", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(session_id: str | None, as_json: bool) -> None:
    if session_id is not None:
        from urllib.parse import quote

        name = quote(whole_id(session_id), safe="", errors="replace")
        session = call("GET", f"/api/v1/sessions/{name}")
        if as_json:
            print_json(session)
        else:
            print_data(_sessions_table([session]))
            print_data("\n" + _agents_table(session))
            for line in _client(session):
                print_data(line)
        return
    sessions = list(pages("/api/v1/sessions", "sessions", {"limit": PAGE}))
    if as_json:
        print_json({"sessions": sessions})
    elif sessions:
        print_data(_sessions_table(sessions))
    else:
        print_data("no sessions yet")


def _sessions_table(sessions: list[dict[str, Any]]) -> str:
    ids = shortened(one["session_id"] for one in sessions)
    header = (
        "SESSION",
        "STATUS",
        "TIME",
        "PROMPTS",
        "AGENTS",
        "CALLS",
        "TOKENS",
        "COST",
        "PROJECT",
    )
    return table(
        header,
        [
            (
                ids[one["session_id"]],
                one["status"],
                _age(one),
                one["prompts"],
                len(one["agents"]),
                one["usage"]["calls"],
                tokens(one["usage"]),
                cost(one["usage"]),
                short_path(one["project"]),
            )
            for one in sessions
        ],
    )


def _agents_table(session: dict[str, Any]) -> str:
    own = ("(session itself)", session["status"], session["tool_calls"], session["own_usage"])
    runs = [
        (run["name"] or "(unknown)", run["status"], run["tool_calls"], run["usage"])
        for run in session["agents"]
    ]
    return table(
        ("AGENT", "STATUS", "TOOLS", "CALLS", "TOKENS", "COST", "TIME"),
        [
            (name, status, tools, usage["calls"], tokens(usage), cost(usage), seconds(usage))
            for name, status, tools, usage in [own, *runs]
        ],
    )


def _client(session: dict[str, Any]) -> Iterator[str]:
    """What an old Claude Code does otherwise than one of today."""
    client = versions.parse_version(session["client_version"] or "")
    missing = [] if client is None else versions.shortcomings(client)
    if client is not None and missing:
        yield f"\nWith Claude Code {versions.spelled(client)}:"
        yield from (f"  {one}" for one in missing)


def _age(session: dict[str, Any]) -> str:
    end = session["ended_at"] or time.time()
    minutes, rest = divmod(max(int(end - session["started_at"]), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def tokens(usage: dict[str, Any]) -> int:
    """All tokens of a usage record, cached ones included."""
    kinds = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")
    return sum(int(usage[kind]) for kind in kinds)


def cost(usage: dict[str, Any]) -> str:
    """The cost of a usage record."""
    return f"${usage['cost_usd']:.4f}"


def seconds(usage: dict[str, Any]) -> str:
    """The time that the model's calls took."""
    return f"{usage['duration_ms'] / 1000:.1f}s"
