"""Words that are nearly commands of ours."""

from __future__ import annotations

import click
import pytest

from cco.claude.arguments import MANAGEMENT
from cco.cli import COMMANDS
from cco.cli.app import application
from cco.cli.meant import ELSEWHERE, SUBCOMMANDS, command_meant


@pytest.mark.parametrize("line", sorted({*ELSEWHERE.values()}))
def test_what_is_proposed_exists(line: str) -> None:
    _, first, *rest = line.split()
    assert first in COMMANDS
    command = application.get_command(click.Context(application), first)
    assert command is not None
    for word in rest:
        if word.startswith("--"):
            assert any(word in parameter.opts for parameter in command.params)
        else:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
            assert command is not None


def test_a_command_of_claude_code_stays_one() -> None:
    refused = {word for word in MANAGEMENT - COMMANDS if command_meant([word]) is not None}
    assert refused == {"logs", "stop"}  # which need a session's id after them


def test_the_commands_that_have_some_of_their_own_are_known() -> None:
    context = click.Context(application)
    commands = {name: application.get_command(context, name) for name in COMMANDS}
    groups = {name: one for name, one in commands.items() if isinstance(one, click.Group)}
    assert {name: tuple(sorted(one.commands)) for name, one in groups.items()} == SUBCOMMANDS
