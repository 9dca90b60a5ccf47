"""cco doctor: whether cco would work here, and why not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import click

from cco import build_info
from cco.catalogue.overlay import personal_catalogue
from cco.cli.examples import examples
from cco.cli.output import print_data, print_json, printable
from cco.config import load_config, temp_folder
from cco.daemon.rendezvous import find_alive
from cco.errors import CcoError, DaemonNotRunning, SealedFileTruncated
from cco.sealing import names
from cco.sealing.folder import choose_folder
from cco.sealing.identity import machine_id, username
from cco.sealing.journal import open_segments
from cco.sealing.private_files import read_private
from cco.sealing.sealed_set import SealedSet

OK = "ok"
NOTE = "note"
PROBLEM = "problem"
_CLAUDE_TIMEOUT_S = 30


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    subject: str
    state: str
    detail: str
    advice: str = ""


@click.command(
    name="doctor",
    help="Check whether cco would work here, and say what to do where not. Exit code 1 if a"
    " problem was found.",
    short_help="Check whether cco would work here.",
    epilog=examples(
        ("cco doctor", "look at everything that a session depends on"),
        ("cco doctor --json", "the same for programs"),
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> int:
    findings = list(examine())
    healthy = all(finding.state != PROBLEM for finding in findings)
    if as_json:
        print_json({"healthy": healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            print_data(f"{finding.state:8} {finding.subject}: {printable(finding.detail)}")
            for line in finding.advice.splitlines():
                print_data(f"         {printable(line)}")
    return 0 if healthy else 1


def examine() -> Iterator[Finding]:
    """Look at everything that a launch depends on."""
    yield _build()
    for subject, look in (
        ("config", _config),
        ("specialists", _specialists),
        ("Claude Code", _claude),
        ("settings", _settings),
        ("temp folder", _temp_folder),
        ("machine id", _machine_id),
        ("account", lambda: Finding("account", OK, username())),
    ):
        yield _guarded(subject, look)
    yield from _daemon()


def _guarded(subject: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except CcoError as error:
        return Finding(subject, PROBLEM, str(error), error.advice)


def _build() -> Finding:
    build = build_info.current()
    return Finding("cco", NOTE if build.development else OK, f"{build.label}, id {build.build_id}")


def _config() -> Finding:
    config = load_config()
    return Finding("config", OK, f"port {config.port}, status line {config.status_line}")


def _specialists() -> Finding:
    personal = personal_catalogue(load_config())
    told = f"{len(personal.catalogue.agents)}, {len(personal.own)} of them yours"
    if personal.refused:
        left_out = f"{told}; {len(personal.refused)} of your files left out"
        return Finding("specialists", NOTE, left_out, "\n".join(personal.refused))
    return Finding("specialists", OK, told)


def _claude() -> Finding:
    from cco.claude.environment import plain_environment
    from cco.claude.find import find_claude

    program = find_claude(load_config().claude, os.environ)
    try:
        answer = subprocess.run(
            [str(program), "--version"],
            env=plain_environment(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_CLAUDE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("Claude Code", PROBLEM, f"{program} does not run: {error}")
    version = answer.stdout.decode("utf-8", "replace").strip()
    if answer.returncode != 0:
        return Finding("Claude Code", PROBLEM, f"{program} --version exits {answer.returncode}")
    return Finding("Claude Code", OK, f"{version}, {program}")


def _settings() -> Finding:
    from pathlib import Path

    from cco.claude.user_settings import read_user_settings

    found = read_user_settings(Path.cwd(), os.environ, None)
    if found.blockers:
        return Finding(
            "settings",
            PROBLEM,
            "; ".join(found.blockers),
            "Claude Code takes no hooks of cco's as long as that is set.",
        )
    own = "your own status line" if found.has_status_line else "no status line of yours"
    export = "your own OpenTelemetry export" if found.exports_telemetry else "none of yours"
    return Finding("settings", OK, f"{own}; telemetry: {export}")


def _temp_folder() -> Finding:
    temp = temp_folder()
    folder = choose_folder(temp)
    if folder != temp:
        return Finding(
            "temp folder", NOTE, f"{folder}, since another user holds names of ours in {temp}"
        )
    return Finding("temp folder", OK, str(folder))


def _machine_id() -> Finding:
    found = machine_id()
    if found.source == "operating system":
        return Finding("machine id", OK, "from the operating system")
    return Finding(
        "machine id",
        NOTE,
        f"this machine has none; a random one is kept in {found.source}",
        "The sealed files are bound to that file instead of the machine.",
    )


def _daemon() -> Iterator[Finding]:
    try:
        sealed = find_alive()
    except DaemonNotRunning as error:
        yield Finding("daemon", OK, f"{error}; it starts with the next session")
        return
    except CcoError as error:
        yield Finding(names.SETTINGS, PROBLEM, str(error), error.advice)
        return
    settings = sealed.settings
    yield Finding("daemon", OK, f"version {settings.version}, {settings.api_url}")
    yield Finding(names.SETTINGS, OK, "opens")
    for name in names.MEMBERS:
        yield _guarded(name, lambda name=name: _member(sealed.open_member(name), name))  # type: ignore[misc]
    yield _guarded(names.HISTORY, lambda: _history(sealed))
    for name in (names.BRIDGE, names.PLUGIN):
        if not sealed.path(name).exists():
            yield Finding(name, PROBLEM, "is gone", "Run: cco daemon restart")


def _history(sealed: SealedSet) -> Finding:
    path = sealed.path(names.HISTORY)
    try:
        data = read_private(path)
    except SealedFileTruncated:  # it grew just now
        data = read_private(path)
    segments = sum(1 for _ in open_segments(data, names.HISTORY, sealed.identity))
    return Finding(names.HISTORY, OK, f"{segments} segments open, {len(data)} bytes")


def _member(payload: dict[str, object], name: str) -> Finding:
    return Finding(name, OK, f"verified and decrypted, {len(payload)} fields")
