"""cco doctor: whether cco would work here, and why not."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

from cco import build_info
from cco.cli.columns import width, wrap
from cco.cli.examples import examples
from cco.cli.output import print_data, print_json, printable, terminal_columns
from cco.doctor.examination import AREAS, Fixed, examine, put_right
from cco.doctor.finding import NOTE, OK, PROBLEM, Finding
from cco.redaction import redacted

FORMAT = 1
_MARKS = {OK: "ok", NOTE: "note", PROBLEM: "PROBLEM"}
_STYLES = {OK: "\x1b[32m", NOTE: "\x1b[33m", PROBLEM: "\x1b[1;31m"}
_BOLD, _END = "\x1b[1m", "\x1b[0m"
_MARK_COLUMNS = max(map(len, _MARKS.values()))
_LEAST_COLUMNS = 28
"""With less room beside the subjects, what is found goes below them."""
_HANGING = "  "


@click.command(
    name="doctor",
    help="Check whether cco would work here, and say what to do where not. Exit code 1 if a"
    " problem was found. Shows no secret, so that the output can go into a report.",
    short_help="Check whether cco would work here.",
    epilog=examples(
        ("cco doctor", "look at everything that a session depends on"),
        ("cco doctor --fix", "put right what safely can be"),
        ("cco doctor --json", "the same for programs"),
    ),
)
@click.option("--fix", is_flag=True, help="Put right what safely can be, and say what was done.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(fix: bool, as_json: bool) -> int:
    findings = examine()
    fixed = put_right(findings) if fix else []
    if fixed:
        findings = examine()
    healthy = all(finding.state != PROBLEM for finding in findings)
    if as_json:
        print_json(_document(findings, fixed))
    else:
        for line in _report(findings, fixed, terminal_columns(), colours=_has_colours()):
            print_data(line)
    return 0 if healthy else 1


def _has_colours() -> bool:
    dumb = os.environ.get("TERM", "" if os.name != "nt" else "windows") in ("", "dumb")
    return sys.stdout.isatty() and not dumb and not os.environ.get("NO_COLOR")


def _shown(text: str) -> str:
    """A text as it may go to the terminal, and to anybody."""
    return printable(redacted(text, os.environ))


def _document(findings: Sequence[Finding], fixed: Sequence[Fixed]) -> dict[str, Any]:
    verdict, next_step = _verdict(findings)
    return {
        "format": FORMAT,
        "version": build_info.VERSION,
        "healthy": all(finding.state != PROBLEM for finding in findings),
        "verdict": verdict,
        "next": next_step or None,
        "findings": [
            {
                "id": finding.id,
                "area": finding.area,
                "subject": finding.subject,
                "state": finding.state,
                "detail": redacted(finding.detail, os.environ),
                "advice": redacted(finding.advice, os.environ),
                "fix": None if finding.fix is None else finding.fix.what,
            }
            for finding in findings
        ],
        "fixed": [{"id": one.id, "done": redacted(one.done, os.environ)} for one in fixed],
    }


def _report(
    findings: Sequence[Finding], fixed: Sequence[Fixed], columns: int | None, *, colours: bool
) -> Iterator[str]:
    """The lines of the report; with `columns` none is wider, and what goes on is indented."""

    def styled(text: str, style: str) -> str:
        return f"{style}{text}{_END}" if colours else text

    subjects = max(len(finding.subject) for finding in findings)
    room = _MARK_COLUMNS + subjects + 6
    below = columns is not None and columns - room < _LEAST_COLUMNS
    if below:
        room = _MARK_COLUMNS + 4
    for area, title in AREAS.items():
        found = [finding for finding in findings if finding.area == area]
        if not found:
            continue
        yield styled(title, _BOLD)
        for finding in found:
            mark = styled(_MARKS[finding.state].ljust(_MARK_COLUMNS), _STYLES[finding.state])
            advice = finding.advice.splitlines() if finding.state != OK else []
            told = [
                line
                for text in (finding.detail, *advice)
                for line in _wrapped(_shown(text), columns, room)
            ]
            if below:
                yield f"  {mark}  {finding.subject}"
            else:
                yield f"  {mark}  {finding.subject.ljust(subjects)}  {told.pop(0)}"
            yield from (" " * room + line for line in told)
        yield ""
    for one in fixed:
        yield from _hanging(f"fixed: {_shown(one.done)}", columns)
    verdict, next_step = _verdict(findings)
    worst = PROBLEM if any(one.state == PROBLEM for one in findings) else OK
    next_line = f"Next: {_shown(next_step)}" if next_step else ""
    if columns is None or width(f"{verdict} {next_line}") <= columns:
        yield f"{styled(verdict, _STYLES[worst])} {next_line}".rstrip()
        return
    yield from (styled(line, _STYLES[worst]) for line in _hanging(verdict, columns))
    yield from _hanging(next_line, columns)


def _wrapped(text: str, columns: int | None, indent: int) -> list[str]:
    return [text] if columns is None else wrap(text, columns - indent)


def _hanging(text: str, columns: int | None) -> Iterator[str]:
    first, *rest = _wrapped(text, columns, len(_HANGING))
    yield first
    yield from (_HANGING + line for line in rest)


def _verdict(findings: Sequence[Finding]) -> tuple[str, str]:
    """The last line: how it stands, and the next step."""
    problems = [finding for finding in findings if finding.state == PROBLEM]
    notes = sum(finding.state == NOTE for finding in findings)
    noted = f", {notes} {'note' if notes == 1 else 'notes'}" if notes else ""
    if not problems:
        return f"cco works here{noted}.", "cco, in a project of yours"
    count = f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}"
    if any(finding.fix for finding in problems):
        return f"cco does not work as it should: {count}{noted}.", "cco doctor --fix"
    advice = next((one.advice.splitlines()[0] for one in problems if one.advice), "")
    return f"cco does not work as it should: {count}{noted}.", advice.removeprefix("Run: ")
