"""Who this is for the seal: the machine and the account."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cco.doctor.finding import NOTE, OK, PROBLEM, Finding
from cco.doctor.modes import closing
from cco.errors import MachineIdUnavailable
from cco.folders import belongs_to_another, own_home
from cco.sealing.identity import OF_SYSTEM, fallback_path, known_machine_id, username


def examine() -> Iterator[Finding]:
    """Where the machine id is from, never what it is; and the account."""
    yield _machine_id()
    yield Finding("account.name", "account", OK, username())
    yield _home()


def _home() -> Finding:
    """Where the account's own folders are, if not below HOME."""
    named = os.environ.get("HOME", "")
    if not belongs_to_another(named):
        return Finding("account.home", "home", OK, own_home() or "none")
    told = f"HOME is {named}, which belongs to another account; cco's files are in {own_home()}"
    advice = "To have a home of its own: sudo -H, or su -"
    return Finding("account.home", "home", NOTE, told, advice)


def _machine_id() -> Finding:
    finding_id, subject = "account.machine_id", "machine id"
    advice = "The sealed files are bound to that file instead of the machine."
    try:
        found = known_machine_id()
    except MachineIdUnavailable as error:
        fix = closing(fallback_path())
        return Finding(finding_id, subject, PROBLEM, str(error), error.advice, fix)
    if found is None:
        told = f"this machine has none; the first start makes a random one in {fallback_path()}"
        return Finding(finding_id, subject, NOTE, told, advice)
    if found.source == OF_SYSTEM:
        return Finding(finding_id, subject, OK, f"from the {OF_SYSTEM}")
    told = f"this machine has none; a random one is kept in {found.source}"
    return Finding(finding_id, subject, NOTE, told, advice)
