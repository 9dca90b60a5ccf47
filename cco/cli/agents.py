"""cco agents list|show|search|lint."""

from __future__ import annotations

import click

from cco.catalogue.lint import COUNT, LISTING_LIMIT_TOKENS, catalogue_flaws, listing_tokens
from cco.catalogue.overlay import PersonalCatalogue, overlay_folder, personal_catalogue
from cco.cli.examples import examples
from cco.cli.output import (
    print_data,
    print_json,
    print_note,
    print_prose,
    printable,
    table,
    terminal_columns,
)
from cco.config import load_config

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_MAX_RESULTS = 20


@click.group(
    name="agents",
    help="List, read, search and check the specialists, yours included.",
    epilog=examples(
        ("cco agents list", "all of them"),
        ("cco agents search flaky e2e test", "who would be the one for it"),
    ),
)
def group() -> None:
    pass


@group.command(
    name="list",
    help="List all specialists: name, model, and when each is the one to ask.",
    short_help="List all specialists.",
    epilog=examples(
        ("cco agents list", "as a table"),
        ("cco agents list --json", "for programs, with each one's tools"),
    ),
)
@JSON
def list_agents(as_json: bool) -> None:
    agents = _personal().catalogue.agents
    if as_json:
        print_json([agent.public() for agent in agents])
        return
    rows = [(agent.name, agent.model, agent.description) for agent in agents]
    print_data(table(("NAME", "MODEL", "WHEN"), rows, columns=terminal_columns()))


@group.command(
    help="Show one specialist: model, tools, and the whole brief that it works by.",
    short_help="Show one specialist with its whole brief.",
    epilog=examples(("cco agents show debugger", "what the debugger is told")),
)
@click.argument("name")
@JSON
def show(name: str, as_json: bool) -> None:
    agent = _personal().catalogue.agent(name)
    if as_json:
        print_json({**agent.public(), "keywords": list(agent.keywords), "brief": agent.brief})
        return
    print_data(f"{agent.name}: {printable(agent.description)}")
    print_prose(f"model {agent.model}; tools {', '.join(agent.tools)}\n")
    print_prose("\n".join(printable(line.expandtabs(4)) for line in agent.brief.split("\n")))


@group.command(
    help="Find the specialists for a task, the best first. Exit code 1 if none fits.",
    epilog=examples(
        ("cco agents search the page jumps while it loads", "in your own words"),
        ("cco agents search --limit 1 flaky test", "only the best"),
    ),
)
@click.argument("text", nargs=-1, required=True)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1, _MAX_RESULTS),
    default=5,
    show_default=True,
    help=f"How many to show, {_MAX_RESULTS} at most.",
)
@JSON
def search(text: tuple[str, ...], limit: int, as_json: bool) -> int:
    personal = _personal()
    query = " ".join(text)
    index = personal.search_index()
    matches = index.search(query, limit)
    clear = {match.name for match in index.fitting(query)}
    found = [(match, personal.catalogue.agent(match.name)) for match in matches]
    if as_json:
        print_json(
            [
                {
                    "name": match.name,
                    "score": round(match.score, 3),
                    "clear": match.name in clear,
                    "description": agent.description,
                    "model": agent.model,
                }
                for match, agent in found
            ]
        )
    elif found:
        rows = [(match.name, f"{match.score:.1f}", agent.description) for match, agent in found]
        print_data(table(("NAME", "SCORE", "WHEN"), rows, columns=terminal_columns()))
        if not clear:
            print_note("none of these fits so clearly that a session would be told of it")
    else:
        print_note("no specialist knows any of these words")
    return 0 if found else 1


@group.command(
    help="Check every definition, yours too, and what listing them costs. Exit code 1 if one"
    " breaks a rule.",
    epilog=examples(("cco agents lint", "after a change to a definition of yours")),
)
@JSON
def lint(as_json: bool) -> int:
    personal = personal_catalogue(load_config())
    agents, own = personal.catalogue.agents, personal.own
    found = [*personal.refused, *personal.remarks, *catalogue_flaws(personal.catalogue)]
    tokens = listing_tokens(agents)
    if as_json:
        print_json(
            {
                "agents": len(agents),
                "own": [agent.name for agent in own],
                "shipped": COUNT,
                "listing_tokens": tokens,
                "listing_limit_tokens": LISTING_LIMIT_TOKENS,
                "problems": found,
            }
        )
        return 1 if found else 0
    for line in found:
        print_prose(printable(line))
    yours = f", {len(own)} of them yours ({overlay_folder()})" if own else ""
    problems = {0: "no problems", 1: "1 problem"}.get(len(found), f"{len(found)} problems")
    listing = f"listing {tokens} of {LISTING_LIMIT_TOKENS} tokens"
    print_prose(f"{len(agents)} agents{yours}; {listing}; {problems}")
    return 1 if found else 0


def _personal() -> PersonalCatalogue:
    """The user's catalogue; what of theirs was left out is said, and is no reason to stop."""
    personal = personal_catalogue(load_config())
    for line in personal.refused:
        print_note(f"left out: {line}")
    return personal
