"""The manual page cco(1), made from what the commands say of themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click

from cco.build_info import VERSION
from cco.cli import manual_texts as texts
from cco.cli.examples import examples_of

_ESCAPES = str.maketrans({"\\": "\\e", "-": "\\-", "'": "\\(aq", '"': "\\(dq"})
_REVISED = "2026-11-28"
"""When the page last changed in more than the version, as man-pages(7) wants it."""


def manual_page(application: click.Group) -> str:
    """The page in the man macros of roff, plain ASCII."""
    context = click.Context(application, info_name="cco", **application.context_settings)
    commands = list(_leaves(application, context))
    lines = [
        f'.TH CCO 1 {_REVISED} "cco {VERSION}" "User Commands"',
        *(".SH NAME", f"cco \\- {_text(texts.NAME)}"),
        *(".SH SYNOPSIS", ".B cco", ".RB [ \\-\\-budget"),
        *(".IR USD ]", ".RI [ arguments\\ of\\ claude \\ ...]"),
        *(".br", ".B cco", ".I command", ".RI [ options ]"),
        *(".SH DESCRIPTION", *_paragraphs(texts.DESCRIPTION)),
        *(".SH OPTIONS", *_terms(texts.OPTIONS), *_terms(_options(context))),
        *(".SH COMMANDS", *_commands(commands), *_terms(texts.UNLISTED)),
        *(".SH ENVIRONMENT", *_terms(texts.ENVIRONMENT)),
        *(".SH FILES", *_terms(texts.FILES)),
        *('.SH "EXIT STATUS"', *_words(texts.EXIT_STATUS)),
        *_terms((str(code), text) for code, text in texts.EXIT_CODES),
        *(".SH EXAMPLES", *_terms(texts.LAUNCHES), *_terms(_examples(commands))),
        *('.SH "SEE ALSO"', ".BR claude (1)", ".PP"),
        *_words("cco help COMMAND shows one command with its examples."),
    ]
    return "\n".join(lines) + "\n"


def _leaves(group: click.Group, parent: click.Context) -> Iterator[click.Context]:
    """Every command that does something, by name; a group only if it does so alone."""
    for name in sorted(group.list_commands(parent)):
        command = group.get_command(parent, name)
        if command is None or command.hidden:
            continue
        context = click.Context(command, info_name=name, parent=parent)
        if not isinstance(command, click.Group):
            yield context
            continue
        if command.invoke_without_command:
            yield context
        yield from _leaves(command, context)


def _commands(commands: Iterable[click.Context]) -> Iterator[str]:
    for context in commands:
        command = context.command
        options = list(_options(context))
        pieces = command.collect_usage_pieces(context)
        if not options and "[OPTIONS]" in pieces:  # --help alone
            pieces.remove("[OPTIONS]")
        yield from _terms([(" ".join([context.command_path, *pieces]), command.help or "")])
        if options:
            yield ".RS"
            yield from _terms(options)
            yield ".RE"


def _options(context: click.Context) -> Iterator[tuple[str, str]]:
    """A command's options and what they do; --help, which all have, is left out."""
    for option in context.command.params:
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record is not None:
            yield record


def _examples(commands: Iterable[click.Context]) -> Iterator[tuple[str, str]]:
    for context in commands:
        for line, meaning in examples_of(context.command.epilog):
            yield line, f"{meaning[:1].upper()}{meaning[1:]}."


def _terms(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, text in pairs:
        yield ".TP"
        yield f".B {_text(term)}"
        yield from _words(text)


def _paragraphs(paragraphs: Iterable[str]) -> Iterator[str]:
    for number, text in enumerate(paragraphs):
        if number:
            yield ".PP"
        yield from _words(text)


def _words(text: str) -> Iterator[str]:
    """A text in lines of less than 80 bytes that roff prints as they are; a sentence ends one."""
    line = ""
    for word in map(_text, text.split()):
        if line and len(line) + 1 + len(word) > 78:
            yield _guarded(line)
            line = ""
        line = f"{line} {word}".lstrip(" ")
        if word.endswith((".", ":")):
            yield _guarded(line)
            line = ""
    if line:
        yield _guarded(line)


def _text(text: str) -> str:
    """One line of words as roff prints them."""
    line = " ".join(text.split()).translate(_ESCAPES)
    return "".join(one if one.isascii() else f"\\[u{ord(one):04X}]" for one in line)


def _guarded(line: str) -> str:
    """A line of text that is no macro, even if it looks like one."""
    return f"\\&{line}" if line.startswith(".") else line
