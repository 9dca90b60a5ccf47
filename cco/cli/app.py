"""The click application, for everything that is not a hot path."""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Sequence

import click

from cco.cli import COMMANDS
from cco.cli.output import print_error, printable
from cco.errors import CcoError

_EPILOG = """\b
Anything else goes to Claude Code:
  cco                       start a session in this folder
  cco -p "fix the tests"    any arguments of claude, as they are
  cco --budget 5            the same, for 5 US dollars at most; see cco budget
  cco -- doctor             a claude argument that is also a command of cco
Also: cco version, and cco hook EVENT and cco statusline, which Claude Code calls.
"""


class Commands(click.Group):
    """Imports a command once it is asked for: each needs much that the others do not."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands or cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f"cco.cli.{cmd_name}")
        command = getattr(module, "group", None) or module.command
        assert isinstance(command, click.Command)
        return command


@click.group(
    name="cco",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Claude Code with specialists, rules that survive compaction, and exact costs.",
    epilog=_EPILOG,
)
def application() -> None:
    pass


@application.command(name="help", help="Show this text.")
@click.pass_context
def show_help(context: click.Context) -> None:
    parent = context.parent
    click.echo(parent.get_help() if parent else "")


def _show(error: click.ClickException) -> None:
    """Say what click has to say; it quotes arguments as they were typed."""
    told = io.StringIO()
    error.show(told)
    for line in told.getvalue().splitlines():
        print(printable(line.expandtabs()), file=sys.stderr)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        if "_CCO_COMPLETE" in os.environ:
            application.main(args=[], prog_name="cco")
        with application.make_context("cco", list(arguments)) as context:
            code = application.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        _show(error)
        return error.exit_code
    except CcoError as error:
        print_error(error)
        return error.exit_code
    return code if isinstance(code, int) else 0
