"""cco completion SHELL."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from cco.cli.output import print_data

SHELLS = ("bash", "zsh", "fish")


@click.command(name="completion", help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    print_data(_completion(context.find_root().command, shell).source())


def completion_script(application: click.Command, shell: str) -> str:
    """The script for a shell, which need not be there: click would run bash to ask its version."""
    return ShellComplete.source(_completion(application, shell))


def _completion(application: click.Command, shell: str) -> ShellComplete:
    completion = get_completion_class(shell)
    assert completion is not None
    return completion(application, {}, "cco", "_CCO_COMPLETE")
