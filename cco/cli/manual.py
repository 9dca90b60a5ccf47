"""The manual page cco(1), made from what the commands say of themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from cco.build_info import VERSION

_NAME = "the Claude Code Orchestrator"
_LAUNCH = """\
Without a command, or with arguments that are none of its own,
.B cco
starts Claude Code in this folder with specialists, rules that survive compaction, and exact costs,
and passes the arguments on as they are. After
.B \\-\\-
everything goes to Claude Code, the names of commands included.
"""
_OTHERS = """\
.TP
.B cco version [\\-\\-json]
Version, commit and kind of build.
.TP
.B cco hook \\fIEVENT\\fP, cco statusline
Called by Claude Code, not by people.
"""
_FILES = """\
.TP
.I ~/.config/cco/config.toml
Settings; on macOS and Windows in the application data folder.
.TP
.I ~/.config/cco/agents/
Specialists of your own.
"""
_STATUS = """\
A launch ends with the exit status of Claude Code; before it, 125 means that cco failed, 126 that
Claude Code cannot be run, 127 that it was not found. Commands exit with 0 if all went well, 1 if a
check found problems, 2 for a command line that makes no sense, 3 if the daemon is not running.
docs/errors.md has them all.
"""


def manual_page(application: click.Group) -> str:
    """The page in the man macros of roff."""
    context = click.Context(application, info_name="cco", **application.context_settings)
    return "".join(
        [
            f'.TH "CCO" "1" "" "cco {VERSION}" "User Commands"\n',
            f".SH NAME\ncco \\- {_NAME}\n",
            ".SH SYNOPSIS\n.B cco\n.RI [ arguments\\ of\\ claude ...]\n.br\n",
            ".B cco\n.I command\n.RI [ options ]\n",
            f".SH DESCRIPTION\n{_LAUNCH}",
            ".SH OPTIONS\n",
            *(_option(one, context) for one in _options(application)),
            ".SH COMMANDS\n",
            *_commands(application, context, "cco"),
            _OTHERS,
            f".SH FILES\n{_FILES}",
            f'.SH "EXIT STATUS"\n{_STATUS}',
            '.SH "SEE ALSO"\n.BR cco\\ help ,\n.BR claude (1)\n',
        ]
    )


def _commands(group: click.Group, parent: click.Context, prefix: str) -> Iterator[str]:
    for name in sorted(group.list_commands(parent)):
        command = group.get_command(parent, name)
        if command is None or command.hidden:
            continue
        context = click.Context(command, info_name=name, parent=parent)
        full = f"{prefix} {name}"
        if isinstance(command, click.Group):
            yield from _commands(command, context, full)
            continue
        usage = " ".join([full, *command.collect_usage_pieces(context)])
        yield f".TP\n.B {_text(usage)}\n{_text(command.help or '')}\n"
        options = _options(command)
        if options:
            yield ".RS\n"
            yield from (_option(option, context) for option in options)
            yield ".RE\n"


def _options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


def _option(option: click.Option, context: click.Context) -> str:
    flags, text = option.get_help_record(context) or ("", "")
    return f".TP\n.B {_text(flags)}\n{_text(text)}\n"


def _text(text: str) -> str:
    """One line that roff prints as it is."""
    line = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{line}" if line.startswith((".", "'")) else line
