"""cco budget: how the budgets stand, and how to raise one."""

from __future__ import annotations

import os
from typing import Any

import click

from cco.cli.examples import examples
from cco.cli.figures import exact_usd
from cco.cli.output import print_data, print_json, table
from cco.cli.session_ids import shortened, whole_id
from cco.cli.terminal_paths import short_path
from cco.config import NOT_A_BUDGET, budget_usd
from cco.daemon.rendezvous import call
from cco.errors import UsageInvalid

_PATH = "/api/v1/budget"


def _amount(context: click.Context, parameter: click.Parameter, text: str) -> float:
    amount = budget_usd(text)
    if amount is None:
        raise click.BadParameter(f"it {NOT_A_BUDGET}")
    return amount


@click.group(
    name="budget",
    help="Show what today and the running sessions have cost, and of which budgets; or set one.",
    short_help="Show or set budgets.",
    invoke_without_command=True,
    epilog=examples(
        ("cco budget", "what is spent, of how much"),
        ("cco budget set 10", "the session that runs may cost 10 US dollars"),
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def group(context: click.Context, as_json: bool) -> None:
    if context.invoked_subcommand is None:
        _show(call("GET", _PATH), as_json)


@group.command(
    name="set",
    help="Set a session's budget, or today's, in US dollars. The session goes on as it is.",
    epilog=examples(
        ("cco budget set 10", "for the one session that runs"),
        ("cco budget set 10 --session ID", "for one that cco budget shows"),
        ("cco budget set 30 --day", "for all of today's sessions together"),
    ),
)
@click.argument("amount", metavar="USD", callback=_amount)
@click.option(
    "--session", "session_id", metavar="ID", help="Which session; needed where several run."
)
@click.option("--day", is_flag=True, help="Today's budget of all sessions together.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def set_budget(amount: float, session_id: str | None, day: bool, as_json: bool) -> None:
    if day and session_id:
        raise UsageInvalid("--session and --day exclude each other", advice="Leave out one.")
    if day:
        whose: dict[str, Any] = {"day": True}
    else:
        whose = {"session_id": whole_id(session_id) if session_id else _only_session()}
    _show(call("PUT", _PATH, {"limit_usd": amount, **whose}), as_json)


def _only_session() -> str:
    """The session that this runs in, else the only one that runs."""
    running = [str(one["session_id"]) for one in call("GET", _PATH)["sessions"]]
    here = os.environ.get("CLAUDE_CODE_SESSION_ID", "")
    if here in running:
        return here
    if len(running) != 1:
        which = "no session runs" if not running else f"{len(running)} sessions run"
        raise UsageInvalid(
            f"{which}: say whose budget is meant",
            advice="--session ID or --day; cco budget shows them",
        )
    return running[0]


def _show(document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    day = document["day"]
    rows = [_row("today", day, day["date"])]
    ids = shortened(one["session_id"] for one in document["sessions"])
    rows += [
        _row(ids[one["session_id"]], one, short_path(one["project"]))
        for one in document["sessions"]
    ]
    print_data(table(("BUDGET OF", "SPENT", "LIMIT", "USED", "STATE", "WHERE"), rows))


def _row(whose: str, one: dict[str, Any], where: str) -> tuple[str, ...]:
    limited = one["limit_usd"] is not None
    return (
        whose,
        exact_usd(one["spent_usd"]),
        f"${one['limit_usd']:.2f}" if limited else "-",
        f"{one['used_percent']}%" if limited else "-",
        one["state"],
        where,
    )
