"""cco install: put this program on PATH, for this user alone, and take it away again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from cco.build_info import VERSION
from cco.cli.completion import completion_script
from cco.cli.examples import examples
from cco.cli.manual import manual_page
from cco.cli.output import print_data, print_json, print_note, printable
from cco.errors import CcoError, UsageInvalid
from cco.installation.installing import Plan, plan_installation, shadowing
from cco.installation.places import Places, default_prefix, places_below, prefix_of
from cco.installation.program import Program, on_path, running_program
from cco.installation.record import read_record
from cco.installation.steps import CREATED, KEPT, REMOVED, REPLACED, Step, perform
from cco.installation.uninstalling import plan_removal, remove_folders

_WOULD = {CREATED: "would create", REPLACED: "would replace", REMOVED: "would remove"}
"""What a dry run says of a step; JSON has the plain result, and `dry_run` beside it."""

_HELP = """Put this program on PATH for this user, with completions and manual.

Everything goes below ~/.local (Windows: %LOCALAPPDATA%\\Programs\\cco) or --prefix. No shell's
start-up file is changed without --modify-path. --uninstall stops the daemon and removes all of it,
with logs, unpacked copies and the generated machine id; your settings and specialists stay unless
you give --purge.
"""


_PURGE = "To remove your settings, too: cco install --uninstall --purge"


@click.command(
    name="install",
    help=_HELP,
    short_help="Put this program on PATH for this user, or take it away.",
    epilog=examples(
        ("cco install --dry-run", "only say what would be done"),
        ("cco install", "into ~/.local, with completions and manual"),
        ("cco install --uninstall", "take it away again"),
    ),
)
@click.option("--prefix", metavar="DIR", help="Install below this folder, as DIR/bin/cco.")
@click.option(
    "--modify-path", is_flag=True, help="Add the line for PATH to your shell's start-up file."
)
@click.option(
    "--force", is_flag=True, help="Replace a file in the program's place that is not cco."
)
@click.option("--uninstall", is_flag=True, help="Remove everything that was installed or made.")
@click.option("--purge", is_flag=True, help="With --uninstall: your settings and specialists, too.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, /, as_json: bool, **options: Any) -> None:
    _refuse_contradictions(options)
    os.umask(os.umask(0o022) | 0o022)  # what is on PATH only its owner may replace
    program = running_program()
    prefix, dry_run = options["prefix"], options["dry_run"]
    if options["uninstall"]:
        places = _places(program, prefix)
        document = _uninstall(places, purge=options["purge"], dry_run=dry_run)
    elif prefix is None and _is_kept_by_another(program):
        document = _already_there(program)
    else:
        root = context.find_root().command
        assert isinstance(root, click.Group)
        places = _places(None, prefix)
        chosen = {name: options[name] for name in ("modify_path", "force")}
        plan = plan_installation(program, places, _extras(root, places), os.environ, **chosen)
        document = _install(plan, places, dry_run=dry_run)
    if as_json:
        print_json(document)
    else:
        _tell(document)


def _refuse_contradictions(options: Mapping[str, Any]) -> None:
    if options["purge"] and not options["uninstall"]:
        raise UsageInvalid("--purge goes with --uninstall", advice=_PURGE)
    if options["uninstall"] and (options["modify_path"] or options["force"]):
        raise UsageInvalid(
            "--uninstall takes neither --modify-path nor --force", advice="Leave them out."
        )


def _places(program: Program | None, prefix: str | None) -> Places:
    """The places below the prefix that is named, that this program is from, or the usual one."""
    if prefix is not None:
        return places_below(Path(os.path.abspath(os.path.expanduser(prefix))), os.environ)
    own = prefix_of(program.path) if program is not None else None
    return places_below(own or default_prefix(os.environ), os.environ)


def _extras(root: click.Group, places: Places) -> Mapping[Path, bytes]:
    extras = {
        path: f"{completion_script(root, shell)}\n".encode()
        for shell, path in places.completions.items()
    }
    if places.manual is not None:
        extras[places.manual] = manual_page(root).encode()
    return extras


def _is_kept_by_another(program: Program) -> bool:
    """Whether this is a folder's program that is on PATH already, as package managers do it."""
    found = on_path(os.environ.get("PATH"))
    mine = prefix_of(found) if found is not None else None
    if program.single_file or found is None or mine is not None:
        return False
    return os.path.realpath(found) == os.path.realpath(program.path)


def _already_there(program: Program) -> dict[str, Any]:
    return {
        "action": "install",
        "dry_run": False,
        "version": VERSION,
        "program": str(program.path),
        "steps": [],
        "notes": ["this cco is on PATH already, by whoever put it there: there is nothing to do"],
    }


def _install(plan: Plan, places: Places, *, dry_run: bool) -> dict[str, Any]:
    steps = _perform(plan.steps, dry_run=dry_run)
    notes = [f"{path} is somebody else's and is left alone" for path in plan.left_alone]
    other = shadowing(places.program, on_path(os.environ.get("PATH")))
    if other is not None and plan.line is None:
        notes.append(f"{other} comes first on PATH, not the cco that was installed")
    notes += _older_daemon()
    line = plan.line
    missing = None if line is None else {"file": str(line.file), "line": line.line}
    return {
        "action": "install",
        "dry_run": dry_run,
        "version": VERSION,
        "program": str(places.program),
        "on_path": missing is None,
        "path_line": missing,
        "steps": steps,
        "notes": notes,
    }


def _older_daemon() -> list[str]:
    from cco.daemon.rendezvous import find_alive

    try:
        version = find_alive().settings.version
    except CcoError:
        return []
    if version == VERSION:
        return []
    return [f"the daemon that runs is version {version}; cco daemon restart takes up this one"]


def _uninstall(places: Places, *, purge: bool, dry_run: bool) -> dict[str, Any]:
    record = read_record(places.record)
    steps = plan_removal(places, record, os.environ, purge=purge)
    was_running = _stop_daemon(dry_run=dry_run)
    if not dry_run:  # it may have kept its log until now
        steps = plan_removal(places, record, os.environ, purge=purge)
    done = _perform(steps, dry_run=dry_run)
    if not dry_run:
        remove_folders(record, os.environ, purge=purge)
    notes = [
        f"{one['path']} is left: it is not as it was installed"
        for one in done
        if one["result"] == KEPT
    ]
    notes += [
        f"{path} is in use and is left; end it, then run this again"
        for step in steps
        for path in sorted(getattr(step, "in_use", ()))
    ]
    return {
        "action": "uninstall",
        "dry_run": dry_run,
        "version": VERSION,
        "program": str(places.program),
        "was_installed": record is not None,
        "daemon_was_running": was_running,
        "steps": [one for one in done if one["result"] in (REMOVED, KEPT)],
        "notes": notes,
    }


def _stop_daemon(*, dry_run: bool) -> bool:
    """Stop the daemon and remove its history, kept or not; whether it ran."""
    from cco.daemon import supervisor
    from cco.daemon.rendezvous import find_alive
    from cco.sealing.folder import choose_folder, remove_leftovers, remove_private_folder

    if dry_run:
        try:
            find_alive()
        except CcoError:
            return False
        return True
    stopped = supervisor.stop()
    folder = choose_folder()
    remove_leftovers(folder, keep_live=False)
    remove_private_folder(folder)
    return stopped.was_running


def _perform(steps: list[Step], *, dry_run: bool) -> list[dict[str, str]]:
    return [{"path": str(step.path), "result": perform(step, dry_run=dry_run)} for step in steps]


def _tell(document: Mapping[str, Any]) -> None:
    install = document["action"] == "install"
    said, width = (_WOULD, 13) if document["dry_run"] else ({}, 10)
    for step in document["steps"]:
        result = said.get(step["result"], step["result"])
        print_data(f"{result:{width}} {printable(step['path'])}")
    for note in document["notes"]:
        print_note(note)
    if document["dry_run"]:
        if document.get("daemon_was_running"):
            print_data("would stop the daemon")
        print_data("nothing was changed: this was a dry run")
    elif install and document["steps"]:
        print_data(f"cco {VERSION} is installed: {printable(document['program'])}")
    elif not install:
        print_data(_farewell(document))
    if install and document.get("path_line"):
        _tell_line(document)


def _farewell(document: Mapping[str, Any]) -> str:
    daemon = "the daemon is stopped; " if document["daemon_was_running"] else ""
    if document["was_installed"]:
        return f"{daemon}cco is uninstalled"
    if document["steps"]:
        return f"{daemon}cco was not installed here; what it had made is removed"
    return f"{daemon}there was nothing of cco to remove"


def _tell_line(document: Mapping[str, Any]) -> None:
    folder, line = os.path.dirname(document["program"]), document["path_line"]
    print_data(
        f"{printable(folder)} is not on your PATH. Add this line to {printable(line['file'])}"
    )
    print_data("and open a new terminal, or have it added by cco install --modify-path:")
    print_data(f"  {printable(line['line'])}")
