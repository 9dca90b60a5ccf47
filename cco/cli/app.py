"""The click application, for everything that is not a hot path."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Sequence

import click

from cco.cli import COMMANDS, failure
from cco.cli.examples import examples
from cco.cli.output import tell
from cco.errors import CcoError, UsageInvalid

_EPILOG = examples(
    ("cco", "start Claude Code in this folder, orchestrated"),
    ('cco -p "fix the tests"', "any arguments of claude, as they are"),
    ("cco --budget 5", "the same, for 5 US dollars at most; see cco budget"),
    ("cco -- doctor", "a claude argument that is also a command of cco"),
    ("cco help notes", "the help of a command"),
)


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

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_usage(ctx.command_path, "[--budget USD] [ARGUMENTS OF CLAUDE]...")
        formatter.write_usage(ctx.command_path, "COMMAND [ARGS]...", prefix="       ")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from cco.cli.manual_texts import OPTIONS

        own = [one.get_help_record(ctx) for one in self.params if isinstance(one, click.Option)]
        with formatter.section("Options"):
            formatter.write_dl([*OPTIONS, *filter(None, own)])
        self.format_commands(ctx, formatter)


_HELP = """Claude Code with specialists, rules that survive compaction, and exact costs.

What is none of the commands below goes to Claude Code as it is: cco starts a session in this
folder. Its own help: cco -- --help. Also: cco version, and cco hook and cco statusline, which
Claude Code calls.
"""


@click.group(
    name="cco",
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=_HELP,
    epilog=_EPILOG,
)
@click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    help="Show where an error comes from. Goes before the command; CCO_DEBUG=1 is the same.",
)
def application() -> None:
    pass


@application.command(
    name="help",
    help="Show this text, or help on a command, settings or exit-codes.",
    epilog=examples(
        ("cco help", "all commands"),
        ("cco help daemon logs", "one of them, as cco daemon logs --help"),
        ("cco help settings", "what can be set, where, and which files there are"),
        ("cco help exit-codes", "what the exit codes mean"),
    ),
)
@click.argument("names", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def show_help(context: click.Context, names: tuple[str, ...]) -> None:
    from cco.cli.topics import TOPICS, topic

    shown = context.find_root()
    if len(names) == 1 and names[0] in TOPICS:
        click.echo(topic(names[0], shown))
        return
    for name in names:
        group = shown.command
        command = group.get_command(shown, name) if isinstance(group, click.Group) else None
        if command is None:
            raise UsageInvalid(f"cco has no command or topic {' '.join(names)!r}")
        shown = click.Context(command, info_name=name, parent=shown)
    click.echo(shown.get_help())


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
        text = io.StringIO()
        error.show(text)
        for line in text.getvalue().expandtabs(4).splitlines():
            tell(line)
        return error.exit_code
    except CcoError as error:
        return failure.report(error)
    return code if isinstance(code, int) else 0
