"""Every command line that a document or a help text shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from cco.cli.app import application
from cco.cli.examples import examples_of

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        ROOT / "installers" / "README.md",
        *(ROOT / "docs").glob("*.md"),
    ]
)
PROGRAMS = frozenset(
    """
    & ./cco alias apt brew cco cd claude curl dist/cco eval Get-ChildItem gh git irm ls make npm
    openssl prometheus python set sha256sum ssh winget xattr
    """.split()
)
"""What a command line begins with, variables before it left aside."""
_COMMAND_FENCES = ("", "sh", "console")
_FENCE = re.compile(r"^ *```([a-z]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_VARIABLE = re.compile(r"^[A-Z][A-Z_]*=\S+ ")
_MEANING = re.compile(r"  +(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)| +# ")
"""What parts a line from what is said of it: two spaces, not in quotes, or a comment."""


@dataclass
class Shown:
    """One command line, where it stands, and the output that stands below it."""

    line: str
    places: list[str]
    output: list[str] = field(default_factory=list)
    inline: bool = False


def shown_lines() -> list[Shown]:
    """All of them, each once; with its output, where one place shows that."""
    found: dict[str, Shown] = {}
    for one in _everywhere():
        known = found.setdefault(one.line, one)
        known.inline &= one.inline
        known.places = sorted({*known.places, *one.places})
        known.output = known.output or one.output
    return list(found.values())


def _everywhere() -> Iterator[Shown]:
    for path in DOCUMENTS:
        yield from lines_of(path.read_text(), str(path.relative_to(ROOT)))
    yield from _helps(click.Context(application, info_name="cco", **application.context_settings))


def lines_of(document: str, name: str) -> Iterator[Shown]:
    """Every command line in a Markdown document."""
    for tag, body in _FENCE.findall(document):
        if tag == "console":
            yield from _sessions(body.splitlines(), name)
        elif tag in _COMMAND_FENCES:
            for line in body.replace("\\\n", " ").splitlines():
                if is_command(line.strip().removeprefix("$ ")):
                    yield Shown(_without_meaning(line.strip().removeprefix("$ ")), [name])
    for span in _INLINE.findall(_FENCE.sub("", document)):
        line = span.replace("\\|", "|")
        if " " in line and is_command(line) and not line.startswith("cco ·"):
            yield Shown(line, [name], inline=True)


def _sessions(lines: Sequence[str], name: str) -> Iterator[Shown]:
    shown: Shown | None = None
    for line in lines:
        if line.startswith("$ "):
            if shown is not None:
                yield shown
            shown = Shown(line.removeprefix("$ "), [name])
        elif shown is not None:
            shown.output.append(line)
    if shown is not None:
        yield shown


def _helps(context: click.Context) -> Iterator[Shown]:
    for line, _ in examples_of(context.command.epilog):
        yield Shown(line, [f"{context.command_path} --help"])
    group = context.command
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from _helps(click.Context(command, info_name=name, parent=context))


def is_command(line: str) -> bool:
    while _VARIABLE.match(line):
        line = _VARIABLE.sub("", line)
    return line.split(" ")[0] in PROGRAMS


def _without_meaning(line: str) -> str:
    return _MEANING.split(line, maxsplit=1)[0]


def is_synopsis(line: str) -> bool:
    """Whether a line is about a command rather than one to be typed: `cco top [--once]`."""
    bare = re.sub(r'"[^"]*"|\$\S+', "", line)
    return bool(
        re.search(r"\[|…|\w\|\w|(?<![A-Z_])(?:ARGS|COMMAND|EVENT|TEXT|USD|N|SECONDS)\b", bare)
    )


def resolve(words: Iterable[str]) -> tuple[click.Command, list[str]]:
    """The command that some words name, and the words after its name."""
    rest = list(words)
    command: click.Command = application
    context = click.Context(application, **application.context_settings)
    while rest and isinstance(command, click.Group):
        below = command.get_command(context, rest[0])
        if below is None:
            break
        command, rest = below, rest[1:]
    return command, rest


def is_complete(line: str) -> bool:
    """Whether a line of cco has all that its command needs; a launch always has."""
    command, rest = resolve(line.split()[1:])
    if command is application:
        return True
    if isinstance(command, click.Group):
        return command.invoke_without_command
    try:
        command.make_context("", rest, **application.context_settings).close()
    except click.exceptions.Exit:  # --help
        return True
    except click.ClickException:
        return False
    return True
