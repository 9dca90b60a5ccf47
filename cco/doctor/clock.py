"""Clocks: what the files say, what the daemon says, and what this process says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime

from cco.doctor.finding import NOTE, OK, Finding
from cco.doctor.situation import Situation
from cco.sealing import names

TOLERANCE_S = 3.0
_ADVICE = "Set the clock (timedatectl, sntp), then run: cco daemon restart"
_MATTERS = "budgets of a day and the order of sessions will be off"


def examine(situation: Situation) -> Iterator[Finding]:
    """Files from the future, a daemon in another time, and a start that is yet to come."""
    now = time.time()
    ahead_s = _newest(situation) - now
    if ahead_s > TOLERANCE_S:
        told = f"the temp folder's files are {ahead_s:.0f} s in the future; {_MATTERS}"
        yield Finding("clock.files", "file times", NOTE, told, _ADVICE)
    else:
        yield Finding("clock.files", "file times", OK, "none is in the future")
    yield from _daemon(situation, now)


def _newest(situation: Situation) -> float:
    """The latest time of change of the folder and of what is ours in it."""
    times = [0.0]
    for path in (situation.folder, *(situation.folder / name for name in names.ALL)):
        try:
            times.append(os.lstat(path).st_mtime)
        except OSError:
            continue
    return max(times)


def _daemon(situation: Situation, now: float) -> Iterator[Finding]:
    sealed, skew_s = situation.sealed, situation.clock_skew_s
    if sealed is None:
        return
    finding_id, subject = "clock.daemon", "the daemon's clock"
    try:
        created = datetime.fromisoformat(sealed.settings.created_at).timestamp()
    except ValueError:
        created = 0.0
    if created - now > TOLERANCE_S:
        told = f"it started {created - now:.0f} s in the future; {_MATTERS}"
        yield Finding(finding_id, subject, NOTE, told, _ADVICE)
    elif skew_s is not None and abs(skew_s) > TOLERANCE_S:
        told = f"{abs(skew_s):.0f} s {'before' if skew_s > 0 else 'behind'} this one; {_MATTERS}"
        yield Finding(finding_id, subject, NOTE, told, _ADVICE)
    elif skew_s is not None:
        yield Finding(finding_id, subject, OK, "the same as this one")
