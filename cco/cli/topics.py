"""What `cco help` tells of other things than commands, for whoever has the program alone."""

from __future__ import annotations

from collections.abc import Callable

import click

from cco.cli import manual_texts as texts

_EXAMPLE = """\
port = 3100
conflicts = "deny"

[budget]
session = 5"""


def _settings(page: click.HelpFormatter) -> None:
    page.write_text(
        "Nothing has to be set. A variable goes before config.toml, and that before the default."
        " cco daemon restart takes changes up; sessions go on."
    )
    with page.section("Settings in config.toml"):
        page.write_dl([(name, _setting(*rest)) for name, *rest in texts.SETTINGS])
    with page.section("For example"):
        for line in _EXAMPLE.splitlines():
            page.write(f"  {line}".rstrip() + "\n")
    with page.section("Other variables"):
        of_settings = {variable for _, variable, _, _ in texts.SETTINGS}
        page.write_dl([one for one in texts.ENVIRONMENT if one[0] not in of_settings])
    _files(page)


def _setting(variable: str, default: str, about: str) -> str:
    told = ", ".join(filter(None, (variable, default and f"default {default}")))
    return f"{about} ({told})" if told else about


def _files(page: click.HelpFormatter) -> None:
    with page.section("Files (on Linux; cco doctor shows where they are here)"):
        page.write_dl(texts.FILES)


def _exit_codes(page: click.HelpFormatter) -> None:
    page.write_text(f"{texts.EXIT_STATUS} these:")
    page.write_dl([(str(code), told) for code, told in texts.EXIT_CODES])


TOPICS: dict[str, Callable[[click.HelpFormatter], None]] = {
    "settings": _settings,
    "exit-codes": _exit_codes,
}


def topic(name: str, context: click.Context) -> str:
    """The text of a topic, as wide as the helps of commands are."""
    page = context.make_formatter()
    TOPICS[name](page)
    return page.getvalue().rstrip("\n")
