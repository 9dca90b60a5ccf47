"""What the user told cco: its config file, variables, and specialists of their own."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from cco.catalogue.overlay import overlay_folder, personal_catalogue
from cco.config import OFF, Config, config_path
from cco.doctor.finding import NOTE, OK, Finding, Fix

KNOWN = frozenset(
    """
    CCO_BUDGET CCO_BUILD_SECRET CCO_CLAUDE CCO_CONFIG CCO_CONFLICTS CCO_DEBUG CCO_HINTS
    CCO_KEEP_HISTORY CCO_PORT CCO_STATUS_LINE CCO_TOKEN
    """.split()
)
OURS = frozenset("CCO_COPY_LOCK CCO_EXECUTABLE CCO_HELD_SIGINT CCO_LAUNCH_DEPTH".split())
"""Between the launcher, cco and what it starts."""
_PREFIXES = ("CCO_", "ORCHESTRATOR_", "CLAUDE", "ANTHROPIC_", "OTEL_", "XDG_", "LC_")
_SINGLE = frozenset("HOME LANG LANGUAGE NO_COLOR TEMP TERM TMP TMPDIR NODE_OPTIONS".split())
_PROXY = "_PROXY"
_TESTS = "CCO_TEST_"
_OTHERS_WRITE = 0o022


def examine(config: Config) -> Iterator[Finding]:
    """The config file, the variables that are set (names only), and the specialists."""
    yield _config(config)
    yield _environment()
    yield _enabled()
    yield _specialists(config)
    yield from _writable()


def _config(config: Config) -> Finding:
    path = config_path()
    if path is None:
        where = "no config file"
    else:
        where = str(path) if path.exists() else f"no {path}"
    told = f"{where}; port {config.port}, status line {_switch(config.status_line)}"
    return Finding("config.file", "config", OK, f"{told}, hints {_switch(config.hints)}")


def _switch(value: bool) -> str:
    return "on" if value else "off"


def _environment() -> Finding:
    finding_id, subject = "config.environment", "variables"
    names = sorted(
        name
        for name in os.environ.keys() - OURS
        if name.startswith(_PREFIXES) or name in _SINGLE or name.upper().endswith(_PROXY)
    )
    told = f"set are {', '.join(names)}" if names else "none that matters is set"
    unknown = [
        name
        for name in names
        if name.startswith("CCO_") and name not in KNOWN and not name.startswith(_TESTS)
    ]
    if unknown:
        advice = f"cco does not know {', '.join(unknown)}; cco help settings lists what it knows."
        return Finding(finding_id, subject, NOTE, told, advice)
    return Finding(finding_id, subject, OK, told)


def _enabled() -> Finding:
    finding_id, subject = "config.enabled", "orchestration"
    value = os.environ.get("ORCHESTRATOR_ENABLED", "")
    if value.lower() in OFF:
        told = f"ORCHESTRATOR_ENABLED={value[:10]} turns it off: cco starts Claude Code plainly"
        return Finding(finding_id, subject, NOTE, told, "Unset it to have orchestrated sessions.")
    return Finding(finding_id, subject, OK, "on")


def _specialists(config: Config) -> Finding:
    personal = personal_catalogue(config)
    told = f"{len(personal.catalogue.agents)}, {len(personal.own)} of them yours"
    if personal.refused:
        left_out = f"{told}; {len(personal.refused)} of your files left out"
        lines = "\n".join(personal.refused)
        return Finding("config.specialists", "specialists", NOTE, left_out, lines)
    return Finding("config.specialists", "specialists", OK, told)


def _writable() -> Iterator[Finding]:
    """Where others may write, they tell this user's agents what to do."""
    if sys.platform == "win32":
        return
    path, folder = config_path(), overlay_folder()
    looked_at = [] if path is None else [path, path.parent]
    if folder is not None:
        looked_at += [folder, *sorted(folder.glob("*.md"))]
    open_ones = [one for one in looked_at if _others_write(one)]
    if open_ones:
        listed = ", ".join(map(str, open_ones))
        yield Finding(
            "config.writable",
            "who may write",
            NOTE,
            f"others may write to {listed}",
            "Whoever does tells your agents what to do: chmod go-w, or cco doctor --fix",
            Fix("takes that right from others", lambda: _close(open_ones)),
        )


def _others_write(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    is_ours = status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode)
    return is_ours and bool(status.st_mode & _OTHERS_WRITE)


def _close(paths: list[Path]) -> str:
    closed = [path for path in paths if _others_write(path)]
    for path in closed:
        path.chmod(stat.S_IMODE(path.lstat().st_mode) & ~_OTHERS_WRITE)
    return f"nobody else may write to {', '.join(map(str, closed))} any more" if closed else ""
