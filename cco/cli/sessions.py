"""cco sessions: what runs and what ran."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from cco.claude import versions
from cco.cli.columns import fit_end
from cco.cli.examples import examples
from cco.cli.figures import clock, cost, model_time, tokens
from cco.cli.output import print_data, print_json, table, terminal_columns
from cco.cli.paging import pages
from cco.cli.session_ids import PAGE, shortened, whole_id
from cco.cli.terminal_paths import short_path
from cco.cli.waiting import asked, state, waits_of
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
            for line in (*_questions(session), *_client(session)):
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
    now = time.time()
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
                state(one, one["waiting"], now),
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
        columns=terminal_columns(),
        shorten=fit_end,
        spare=("CALLS", "AGENTS", "PROMPTS", "TOKENS"),
    )


def _agents_table(session: dict[str, Any]) -> str:
    now = time.time()

    def state_of(one: dict[str, Any], agent_id: str | None) -> str:
        return state(one, waits_of(session, agent_id), now)

    status = state_of(session, None)
    own = ("(session itself)", status, session["tool_calls"], session["own_usage"])
    runs = [
        (
            run["name"] or "(unknown)",
            state_of(run, run["agent_id"]),
            run["tool_calls"],
            run["usage"],
        )
        for run in session["agents"]
    ]
    return table(
        ("AGENT", "STATUS", "TOOLS", "CALLS", "TOKENS", "COST", "TIME"),
        [
            (name, status, tools, usage["calls"], tokens(usage), cost(usage), model_time(usage))
            for name, status, tools, usage in [own, *runs]
        ],
        columns=terminal_columns(),
        spare=("TOOLS", "CALLS", "TIME"),
    )


def _questions(session: dict[str, Any]) -> Iterator[str]:
    """What the person is asked, and where to answer."""
    if session["waiting"]:
        yield f"\nWaiting for you: {asked(session)}. Answer in the session's terminal."


def _client(session: dict[str, Any]) -> Iterator[str]:
    """What an old Claude Code does otherwise than one of today."""
    client = versions.parse_version(session["client_version"] or "")
    missing = [] if client is None else versions.shortcomings(client)
    if client is not None and missing:
        yield f"\nWith Claude Code {versions.spelled(client)}:"
        yield from (f"  {one}" for one in missing)


def _age(session: dict[str, Any]) -> str:
    end = session["ended_at"] or time.time()
    return clock(end - session["started_at"])
