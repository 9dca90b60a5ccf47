"""cco notes: what agents and people left for one another."""

from __future__ import annotations

import os
import time
from typing import Any

import click

from cco.cli.examples import examples
from cco.cli.output import print_data, print_json, print_prose, printable
from cco.daemon.rendezvous import call
from cco.errors import NotFound, UsageInvalid
from cco.folders import current_folder

_SHOWN = 50
_EXAMPLE = 'For example: cco notes --add "the cache is per tenant" --path src/cache.py'


@click.command(
    name="notes",
    help="Show the notes that agents and people left in this project, find those that fit some"
    " words, or leave one.",
    short_help="Show, find or leave notes in this project.",
    epilog=examples(
        ("cco notes", "the latest first"),
        ("cco notes cached tenants", "those that fit, the best first"),
        ('cco notes --add "In cents." --path cart.py', "leave one"),
    ),
)
@click.argument("text", nargs=-1)
@click.option("--add", is_flag=True, help="Leave the words as a note.")
@click.option("--path", metavar="FILE", help="With --add: the file that the note is about.")
@click.option("--all", "everywhere", is_flag=True, help="Those of all projects.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    text: tuple[str, ...], add: bool, path: str | None, everywhere: bool, as_json: bool
) -> None:
    words = " ".join(text)
    if path and not add:
        raise UsageInvalid("--path goes with --add", advice=_EXAMPLE)
    if add:
        note = _add(words, path)
        if as_json:
            print_json(note)
        else:
            print_data(f"note {note['note_id']} is left for {printable(note['project'])}")
        return
    document = _find(words, everywhere=everywhere)
    if as_json:
        print_json(document)
    elif document["notes"]:
        print_prose("\n\n".join(_shown(note, everywhere=everywhere) for note in document["notes"]))
        if document["next"]:
            print_data(f"\nthe latest {_SHOWN}; older ones: cco notes TEXT…")
    else:
        print_data("no note fits" if words else "no notes here yet")


def _add(text: str, path: str | None) -> Any:
    from cco.ledger.notes import MAX_TEXT_CHARS

    if not text.strip():
        raise UsageInvalid("the note is empty", advice=_EXAMPLE)
    if len(text) > MAX_TEXT_CHARS:
        raise UsageInvalid(
            f"the note has {len(text)} characters, {MAX_TEXT_CHARS} is the most",
            advice="Shorten it, or leave several notes.",
        )
    note = {"text": text, "path": path or None, "project": str(current_folder())}
    session_id = os.environ.get("CLAUDE_CODE_SESSION_ID")
    if session_id:  # an agent runs this
        try:
            return call("POST", "/api/v1/notes", {**note, "session_id": session_id})
        except NotFound:
            pass
    return call("POST", "/api/v1/notes", note)


def _find(text: str, *, everywhere: bool) -> Any:
    from urllib.parse import urlencode

    query = {"limit": str(_SHOWN)}
    if not everywhere:
        query["project"] = str(current_folder())
    if text.strip():
        query["q"] = text
    return call("GET", f"/api/v1/notes?{urlencode(query, errors='replace')}")


def _shown(note: dict[str, Any], *, everywhere: bool) -> str:
    """A heading and the text; what others wrote does not drive the terminal."""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(note["created_at"]))
    parts = [f"#{note['note_id']}", when, note["author"]]
    parts += [note["path"]] if note["path"] else []
    parts += [note["project"]] if everywhere else []
    lines = [printable(" · ".join(parts))]
    lines += [f"  {printable(line.expandtabs(4))}" for line in note["text"].splitlines()]
    return "\n".join(lines)
