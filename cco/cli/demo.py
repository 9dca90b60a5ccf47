"""cco demo: the whole thing, offline, without an account."""

from __future__ import annotations

import click


@click.command(
    name="demo",
    help="Run a whole orchestrated session offline: real Claude Code, scripted model.",
)
@click.option("--keep", is_flag=True, help="Keep the throwaway folder and say where it is.")
def command(keep: bool) -> None:
    from cco.demo.story import tell

    tell(keep=keep)
