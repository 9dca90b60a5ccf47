"""Whether events arrive: with the very command, address and environment that Claude Code uses.

The probe is an event that the daemon answers and records nowhere. The token goes to loopback only.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from cco.claude.bridge import COMMAND_EVENTS
from cco.claude.environment import orchestrated_environment, proxy_exceptions
from cco.claude.headers import PROBE
from cco.claude.user_settings import PROXY_EXCEPTIONS, UserSettings
from cco.daemon.client import Connection
from cco.doctor.child import Child
from cco.doctor.finding import NOTE, OK, PROBLEM, Finding
from cco.doctor.situation import ALIVE, Situation
from cco.errors import CcoError, DaemonError
from cco.sealing import names
from cco.sealing.private_files import read_private

TIMEOUT_S = 10.0
_HTTP_TIMEOUT_S = 2.0
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_COMMAND, _HTTP, _PROXY = "hooks.command", "hooks.http", "hooks.proxy"
_RESTART = "Run: cco daemon restart"


class Hooks:
    """Sends a probe by each of the two ways; the command runs while other things are looked at."""

    def __init__(self, situation: Situation, settings: UserSettings) -> None:
        self._situation = situation
        self._environ = _environment(situation, settings)
        self._word = os.urandom(8).hex()
        self._payload = json.dumps({"session_id": PROBE, "probe": self._word}).encode()
        self._child: Child | None = None
        self._fault: Finding | None = None
        if situation.state != ALIVE or situation.sealed is None:
            return
        try:
            command = probe_command(read_private(situation.sealed.path(names.BRIDGE)))
            self._child = Child(command, self._environ, self._payload)
        except (CcoError, OSError, ValueError, LookupError, TypeError) as error:
            self._fault = Finding(
                _COMMAND, "hook command", PROBLEM, f"cannot be run: {error}", _RESTART
            )

    def examine(self) -> Iterator[Finding]:
        """The command, the address, and proxies in between."""
        yield _proxy(self._environ)
        if self._fault is not None:
            yield self._fault
        if self._child is not None:
            yield self._command(self._child)
        if self._situation.state == ALIVE:
            yield self._http()

    def _command(self, child: Child) -> Finding:
        subject = "hook command"
        ended = child.ended(TIMEOUT_S)
        if ended is None:
            told = f"did not end within {TIMEOUT_S:.0f} s"
            return Finding(_COMMAND, subject, PROBLEM, told, _RESTART)
        if ended.code != 0 or self._word not in ended.out:
            said = (ended.err.strip() or ended.out.strip()).splitlines()
            if said and said[-1].endswith("the daemon answered 404"):
                told = "reaches a daemon that knows no probes: it is of an earlier version"
                return Finding(_COMMAND, subject, NOTE, told, _RESTART)
            because = f": {said[-1][:200]}" if said else ""
            told = f"exits {ended.code} and brings no answer{because}"
            advice = f"The daemon names a cco that may be gone or another. {_RESTART}"
            return Finding(_COMMAND, subject, PROBLEM, told, advice)
        return Finding(
            _COMMAND, subject, OK, f"went there and back in {child.took_s * 1000:.0f} ms"
        )

    def _http(self) -> Finding:
        subject = "http hooks"
        assert self._situation.sealed is not None
        settings = self._situation.sealed.settings
        try:
            with Connection(settings.port, timeout_s=_HTTP_TIMEOUT_S) as connection:
                response = connection.request(
                    "POST", f"/hooks/{PROBE}", token=settings.token, body=self._payload
                )
        except DaemonError as error:
            return Finding(_HTTP, subject, PROBLEM, str(error), _RESTART)
        if response.status != 200 or self._word.encode() not in response.body:
            told = f"the daemon answers {response.status} to a probe"
            advice = f"It may be another version. {_RESTART}"
            return Finding(_HTTP, subject, NOTE, told, advice)
        return Finding(_HTTP, subject, OK, f"went to 127.0.0.1:{settings.port} and back")


def probe_command(bridge: bytes) -> list[str] | str:
    """The command of the bridge for events, with the probe in the event's place.

    Raises: ValueError, LookupError, TypeError, where it is no bridge.
    """
    event = COMMAND_EVENTS[0]
    hook = json.loads(bridge)["hooks"][event][0]["hooks"][0]
    if "args" in hook:
        arguments = [hook["command"], *hook["args"]]
        return [PROBE if one == event else one for one in arguments]
    words = shlex.split(hook["command"])
    if event not in words:
        raise ValueError("it names no event")
    command = str(hook["command"])
    at = command.rindex(event)
    return f"{command[:at]}{PROBE}{command[at + len(event) :]}"


def _environment(situation: Situation, settings: UserSettings) -> dict[str, str]:
    """What Claude Code would have: a launch's environment, and the managed settings over it."""
    environ = {**os.environ, **proxy_exceptions(os.environ)}
    if situation.sealed is not None:
        environ = orchestrated_environment(
            environ,
            situation.sealed,
            situation.temp,
            telemetry_elsewhere=settings.exports_telemetry,
        )
    managed = {
        name: value for name, value in settings.managed_variables.items() if isinstance(value, str)
    }
    return {**environ, **managed}


def _proxy(environ: Mapping[str, Any]) -> Finding:
    """Whether a proxy would get what is meant for loopback, token and all."""
    subject = "proxies"
    named = [name for name in environ if name.lower() in _PROXIES and environ[name]]
    if not named:
        return Finding(_PROXY, subject, OK, "none is set")
    told = ", ".join(sorted(named))
    lacking = [name for name in PROXY_EXCEPTIONS if not _excepts_loopback(environ.get(name))]
    if not lacking:
        return Finding(_PROXY, subject, OK, f"{told} is set; a launch excepts loopback from it")
    return Finding(
        _PROXY,
        subject,
        PROBLEM,
        f"{told} is set, and {' and '.join(lacking)} of the managed settings does not except "
        "127.0.0.1: the proxy gets every event, and the token",
        "Have 127.0.0.1 added there by whoever administers this machine.",
    )


def _excepts_loopback(value: object) -> bool:
    entries = str(value or "").replace(",", " ").split()
    return "127.0.0.1" in entries or "*" in entries
