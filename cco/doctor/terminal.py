"""The terminal: how text is encoded, and what can be drawn."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Iterator

from cco.doctor.finding import NOTE, OK, Finding


def examine() -> Iterator[Finding]:
    """The locale's encoding, and the kind of terminal."""
    yield _encoding()
    kind = os.environ.get("TERM") or ("a console" if sys.platform == "win32" else "not set")
    tty = "a terminal" if sys.stdout is not None and sys.stdout.isatty() else "no terminal"
    colour = "off by NO_COLOR" if os.environ.get("NO_COLOR") else "as the terminal has them"
    told = f"output goes to {tty}; TERM is {kind}; colours {colour}"
    yield Finding("terminal.kind", "terminal", OK, told)


def _encoding() -> Finding:
    finding_id, subject = "terminal.encoding", "text"
    if sys.platform == "win32":
        return Finding(finding_id, subject, OK, "cco prints UTF-8")
    variable = next((one for one in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(one)), None)
    named = "" if variable is None else os.environ[variable]
    told = f"{variable}={named}" if variable else "no locale is set"
    if "utf-8" in named.lower() or "utf8" in named.lower():
        if locale.setlocale(locale.LC_CTYPE) == "C":  # what Python is left with then
            told = f"{told}, which this system does not have; cco prints UTF-8 all the same"
            advice = "Choose one of those that `locale -a` lists, such as C.UTF-8."
            return Finding(finding_id, subject, NOTE, told, advice)
        return Finding(finding_id, subject, OK, told)
    if named in ("", "C", "POSIX") or "." not in named:
        return Finding(finding_id, subject, OK, f"{told}; cco prints UTF-8 all the same")
    told = f"{told} is not UTF-8, and cco prints UTF-8"
    advice = "Where characters look wrong: LANG=C.UTF-8"
    return Finding(finding_id, subject, NOTE, told, advice)
