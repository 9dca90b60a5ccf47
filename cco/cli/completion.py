"""cco completion SHELL."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from cco.cli.examples import examples
from cco.cli.output import print_data

SHELLS = ("bash", "zsh", "fish")


@click.command(
    name="completion",
    help="Print the script that lets a shell complete cco's commands and options. `cco install`"
    " puts it in its place by itself.",
    short_help="Print the completion script for a shell.",
    epilog=examples(
        ('eval "$(cco completion bash)"', "in this shell, or in ~/.bashrc"),
        ('eval "$(cco completion zsh)"', "after compinit, in ~/.zshrc"),
        ("cco completion fish | source", "in this shell, or in config.fish"),
    ),
)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    print_data(_repaired(_completion(context.find_root().command, shell).source()))


def completion_script(application: click.Command, shell: str) -> str:
    """The script for a shell, which need not be there: click would run bash to ask its version."""
    return _repaired(ShellComplete.source(_completion(application, shell)))


def _repaired(script: str) -> str:
    """Complete from zsh's fpath each time: click's script does so only while zsh loads it, and
    the second Tab of a shell did nothing."""
    return script.replace("$zsh_eval_context[-1] == loadautofunc", "$funcstack[1] == _cco")


def _completion(application: click.Command, shell: str) -> ShellComplete:
    completion = get_completion_class(shell)
    assert completion is not None
    return completion(application, {}, "cco", "_CCO_COMPLETE")
