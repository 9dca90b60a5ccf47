"""cco agents list|show|lint."""

from __future__ import annotations

import click

from cco.catalogue.bundle import load_catalogue
from cco.catalogue.model import problems
from cco.cli.output import print_data, print_json, table

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(name="agents", help="The specialists.")
def group() -> None:
    pass


@group.command(name="list", help="List all specialists.")
@JSON
def list_agents(as_json: bool) -> None:
    agents = load_catalogue().agents
    if as_json:
        print_json([agent.public() for agent in agents])
        return
    rows = [(agent.name, agent.model, agent.description) for agent in agents]
    print_data(table(("NAME", "MODEL", "WHEN"), rows))


@group.command(help="Show one specialist with its whole brief.")
@click.argument("name")
@JSON
def show(name: str, as_json: bool) -> None:
    agent = load_catalogue().agent(name)
    if as_json:
        print_json({**agent.public(), "keywords": list(agent.keywords), "brief": agent.brief})
        return
    print_data(f"{agent.name}: {agent.description}")
    print_data(f"model {agent.model}; tools {', '.join(agent.tools)}\n")
    print_data(agent.brief)


@group.command(help="Check every definition. Exit code 1 if one breaks a rule.")
@JSON
def lint(as_json: bool) -> int:
    catalogue = load_catalogue()
    found = problems(catalogue)
    if as_json:
        print_json({"agents": len(catalogue.agents), "problems": found})
    elif found:
        print_data("\n".join(found))
    else:
        print_data(f"{len(catalogue.agents)} agents, no problems")
    return 1 if found else 0
