"""Claude Code: whether it is there, which version it is, and what its settings forbid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cco.claude.environment import plain_environment
from cco.claude.find import find_claude
from cco.claude.user_settings import UserSettings, read_user_settings
from cco.claude.versions import FULL, TESTED, parse_version, shortcoming, shortcomings, spelled
from cco.config import Config
from cco.doctor.child import Child
from cco.doctor.finding import NOTE, OK, PROBLEM, Finding
from cco.errors import CcoError
from cco.folders import APP

TIMEOUT_S = 30.0
_SEE = "See what it says yourself, and install it again if need be."
_ID, _SUBJECT = "claude.program", "Claude Code"


class ClaudeCode:
    """Asks the client for its version while other things are looked at."""

    def __init__(self, config: Config) -> None:
        self._child: Child | None = None
        self._fault: Finding | None = None
        self._program = Path()
        try:
            self._program = find_claude(config.claude, os.environ)
            self._child = Child([str(self._program), "--version"], plain_environment(os.environ))
        except CcoError as error:
            self._fault = Finding(_ID, _SUBJECT, PROBLEM, str(error), error.advice)
        except OSError as error:
            self._fault = self._problem(f"does not run: {error.strerror}")

    def examine(self) -> Iterator[Finding]:
        """The program and its version."""
        if self._child is None:
            assert self._fault is not None
            yield self._fault
            return
        ended = self._child.ended(TIMEOUT_S)
        if ended is None:
            yield self._problem(f"--version did not end within {TIMEOUT_S:.0f} s")
        elif ended.code != 0:
            yield self._problem(f"--version exits {ended.code}")
        else:
            told = ended.out.strip().splitlines()
            version = told[0][:80] if told else "it does not say its version"
            if version.startswith(f"{APP} "):
                yield self._problem("leads back to cco", "Name the real program in CCO_CLAUDE.")
                return
            took = f"answered in {self._child.took_s:.1f} s"
            yield Finding(_ID, _SUBJECT, OK, f"{version}, {self._program}, {took}")
            yield judged(version)

    def _problem(self, what: str, advice: str = _SEE) -> Finding:
        return Finding(_ID, _SUBJECT, PROBLEM, f"{self._program} {what}", advice)


def judged(text: str) -> Finding:
    """What a version means for cco."""
    finding_id, subject = "claude.version", "its version"
    version = parse_version(text)
    if version is None or version == (0, 0, 0):
        told = f"{text!r} names none that could be compared"
        return Finding(finding_id, subject, NOTE, told, f"cco is tested with {spelled(TESTED)}.")
    lacks = shortcoming(version)
    if lacks is not None:
        told = f"{spelled(version)} is too old: {lacks}"
        return Finding(finding_id, subject, PROBLEM, told, "Run: claude update")
    if version < FULL:
        told = f"{spelled(version)} works, but: {'; '.join(shortcomings(version))}"
        return Finding(finding_id, subject, NOTE, told, "Run: claude update")
    if version > TESTED:
        told = f"newer than {spelled(TESTED)}, the latest that cco is tested with"
        return Finding(finding_id, subject, OK, told)
    return Finding(finding_id, subject, OK, f"from {spelled(FULL)} to {spelled(TESTED)}")


def examine_settings() -> Iterator[Finding]:
    """What the settings of the client, the user's and the organisation's, mean for cco."""
    try:
        Path.cwd()
    except OSError as error:
        told = f"it cannot be used: {error.strerror}"
        yield Finding("settings.folder", "folder", PROBLEM, told, "Change to another folder.")
    found = settings_here()
    for blocker in found.blockers:
        managed = "managed" in blocker
        yield Finding(
            "settings.blockers",
            "settings",
            PROBLEM,
            f"{blocker} keeps hooks of cco's away",
            "Ask who administers this machine to allow it; until then sessions run without cco."
            if managed
            else "Change that setting; until then sessions run without cco.",
        )
    if not found.blockers:
        yield Finding("settings.blockers", "settings", OK, "none keeps hooks of cco's away")
    own = "your own status line is shown" if found.has_status_line else "cco's status line is shown"
    export = (
        "your own OpenTelemetry export stays, so that cco knows neither tokens nor cost of agents"
        if found.exports_telemetry
        else "telemetry goes to cco"
    )
    yield Finding("settings.own", "your settings", OK, f"{own}; {export}")


def settings_here() -> UserSettings:
    """The client's settings for the current folder, or for home where there is none.

    Raises: OSError.
    """
    try:
        folder = Path.cwd()
    except OSError:
        folder = Path(os.path.expanduser("~"))
    return read_user_settings(folder, os.environ, None)
