"""The whole examination: what takes time runs beside the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from cco.claude.user_settings import UserSettings
from cco.config import Config, load_config
from cco.doctor import (
    account,
    claude_code,
    clock,
    daemon,
    files,
    leftovers,
    own_settings,
    program,
    temp,
    terminal,
)
from cco.doctor.finding import PROBLEM, Finding, guarded
from cco.doctor.hooks import Hooks
from cco.doctor.situation import Situation, find_situation
from cco.errors import CcoError

AREAS = {
    "program": "This program",
    "claude": "Claude Code",
    "settings": "Settings of Claude Code",
    "config": "Your settings of cco",
    "temp": "Temp folder",
    "account": "Machine and account",
    "daemon": "Daemon",
    "files": "Files",
    "hooks": "Hooks",
    "clock": "Clock",
    "leftovers": "Leftovers",
    "terminal": "Terminal",
}
"""In the order in which they are told."""


@dataclass(frozen=True)
class Fixed:
    """What was put right."""

    id: str
    """Of the finding."""
    done: str


def examine() -> list[Finding]:
    """Look at everything that a launch depends on; nothing is started for long, or changed."""
    return sorted(_examine(), key=lambda finding: list(AREAS).index(finding.area))


def _examine() -> Iterator[Finding]:
    config, fault = _config()
    client = claude_code.ClaudeCode(config)
    situation, no_folder = _situation()
    settings = _settings()
    hooks = None if situation is None else Hooks(situation, settings)
    if fault is not None:
        yield fault
    else:
        yield from guarded("config.file", "config", lambda: own_settings.examine(config))
    yield from guarded("program.build", "cco", program.examine)
    yield from guarded("settings.blockers", "settings", claude_code.examine_settings)
    yield from guarded("account.machine_id", "machine id", account.examine)
    yield from guarded("terminal.kind", "terminal", terminal.examine)
    if situation is None:
        assert no_folder is not None
        yield no_folder
    else:
        yield from guarded("temp.folder", "temp folder", lambda: temp.examine(situation))
        yield from guarded("daemon.running", "daemon", lambda: daemon.examine(config, situation))
        yield from guarded("files.settings", "files", lambda: files.examine(situation))
        yield from guarded("clock.files", "file times", lambda: clock.examine(situation))
        yield from guarded("leftovers.none", "leftovers", lambda: leftovers.examine(situation))
    if hooks is not None:
        yield from guarded("hooks.command", "hook command", hooks.examine)
    yield from guarded("claude.program", "Claude Code", client.examine)


def _config() -> tuple[Config, Finding | None]:
    try:
        return load_config(), None
    except CcoError as error:
        fault = Finding("config.file", "config", PROBLEM, str(error), error.advice)
    try:  # what the variables say goes before the file, and need not be wrong
        return load_config({**os.environ, "CCO_CONFIG": os.devnull}), fault
    except CcoError:
        return Config(), fault


def _situation() -> tuple[Situation | None, Finding | None]:
    try:
        return find_situation(), None
    except CcoError as error:
        return None, Finding("temp.folder", "temp folder", PROBLEM, str(error), error.advice)


def _settings() -> UserSettings:
    try:
        return claude_code.settings_here()
    except OSError:
        return UserSettings(has_status_line=False, exports_telemetry=False)


def put_right(findings: list[Finding]) -> list[Fixed]:
    """Apply every fix that was found; one that fails is left as it was, and found again."""
    done = []
    for finding in findings:
        if finding.fix is None:
            continue
        try:
            told = finding.fix.apply()
        except (CcoError, OSError):
            continue
        if told:
            done.append(Fixed(finding.id, told))
    return done
