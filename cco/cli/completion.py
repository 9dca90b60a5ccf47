"""cco completion SHELL."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from cco.cli.output import print_data


@click.command(name="completion", help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    completion = get_completion_class(shell)
    root = context.find_root().command
    if completion is not None:
        print_data(completion(root, {}, "cco", "_CCO_COMPLETE").source())
