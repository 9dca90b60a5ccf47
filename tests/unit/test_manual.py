"""The manual page is whole and well-formed, and the help of every command ends with examples."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

import click
import pytest

from cco.cli import manual_texts
from cco.cli.app import application
from cco.cli.examples import examples, examples_of
from cco.cli.manual import manual_page

PAGE = manual_page(application)
CHECKS = [["mandoc", "-T", "lint"], ["groff", "-ww", "-man", "-Tascii", "-z"]]


def commands(group: click.Group, parent: click.Context) -> Iterator[click.Context]:
    """Every command and group below one, in a context that knows its whole name."""
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=parent)
        yield context
        if isinstance(command, click.Group):
            yield from commands(command, context)


COMMANDS = list(
    commands(
        application, click.Context(application, info_name="cco", **application.context_settings)
    )
)


def shown(page: str) -> str:
    """A page as a person reads it."""
    done = subprocess.run(
        ["mandoc", "-T", "utf8", "-O", "width=200"], input=page, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return re.sub(".\b", "", done.stdout)  # bold as overstrikes


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check[0])
def test_the_page_has_no_fault(check: list[str]) -> None:
    if shutil.which(check[0]) is None:
        pytest.skip(f"no {check[0]} here")
    done = subprocess.run(check, input=PAGE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert PAGE.isascii()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check[0])
def test_a_fault_would_be_noticed(check: list[str]) -> None:
    if shutil.which(check[0]) is None:
        pytest.skip(f"no {check[0]} here")
    broken = f"{PAGE}.NOSUCH macro\n"
    done = subprocess.run(check, input=broken, capture_output=True, text=True, check=False)
    assert "NOSUCH" in done.stdout + done.stderr


def test_the_sections_are_those_of_man_pages_in_their_order() -> None:
    sections = [name.strip('"') for name in re.findall(r"^\.SH (.*)$", PAGE, re.MULTILINE)]
    assert sections == [
        *("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "ENVIRONMENT", "FILES"),
        *("EXIT STATUS", "EXAMPLES", "SEE ALSO"),
    ]


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="no mandoc here")
def test_everything_that_the_commands_say_is_on_the_page() -> None:
    page = " ".join(shown(PAGE).split())
    for context in COMMANDS:
        command = context.command
        if not isinstance(command, click.Group):
            assert context.command_path in page
            assert " ".join((command.help or "").split()) in page
        for option in command.params:
            assert option.opts[-1] in page or not isinstance(option, click.Option)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            for line, _ in examples_of(command.epilog):
                assert line in page  # quotes and backslashes as they are typed
    for variable, _ in manual_texts.ENVIRONMENT:
        assert variable in page


@pytest.mark.parametrize("context", COMMANDS, ids=lambda context: context.command_path)
def test_every_help_ends_with_examples_of_that_command(context: click.Context) -> None:
    lines = list(examples_of(context.command.epilog))
    assert lines
    for line, meaning in lines:
        assert re.search(rf"\b{context.command_path}\b", line)
        assert meaning
    text = context.command.get_help(context)
    for line, meaning in lines:
        assert f"  {line}  " in text
        assert text.rstrip().endswith(meaning) or meaning in text


@pytest.mark.parametrize("context", COMMANDS, ids=lambda context: context.command_path)
def test_every_option_and_command_says_in_words_what_it_is(context: click.Context) -> None:
    for parameter in context.command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.opts
            metavar = parameter.make_metavar(context)
            assert not re.fullmatch(r"TEXT|INTEGER( RANGE)?|FLOAT( RANGE)?|PATH", metavar)
    short = context.command.get_short_help_str(limit=66)
    assert not short.endswith("...")  # whole in the list of commands


def test_examples_are_read_back_as_they_were_laid_out() -> None:
    pairs = [("cco a", "first"), ("cco longer -- b", "second, with two  spaces")]
    assert list(examples_of(examples(*pairs))) == pairs
    assert list(examples_of("something else")) == []
    assert list(examples_of(None)) == []
