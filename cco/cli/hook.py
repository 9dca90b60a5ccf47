"""cco hook EVENT: what Claude Code runs for events that it sends to commands only.

The payload comes on standard input and the answer goes to standard output. The usual way is one
socket and no look at any file; a daemon that died is brought back here, so that a running session
heals. A daemon that was stopped on purpose stays stopped.
"""

from __future__ import annotations

import os
import sys

from cco.claude.headers import OPTIONS, PROBE
from cco.daemon.client import Connection, Response
from cco.errors import CcoError, DaemonNotRunning

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing: this is on a hot path
    from collections.abc import Mapping, Sequence

MAX_INPUT_BYTES = 32 * 1024 * 1024
CUT_OFF = "this session is cut off, since its port was lost; resume it with cco --resume"
_NAME_CHARS = 40
_VALUE_CHARS = 40
_PATIENCE_S = 2.0


def run(arguments: Sequence[str]) -> int:
    """Pass one event on; a failure is one line on stderr and exit code 1, which blocks nothing."""
    launch = launch_headers(arguments[1:])
    if not arguments or not _is_event(arguments[0]) or launch is None:
        return failed("usage: cco hook EVENT (called by Claude Code)", 2)
    if os.environ.get("ORCHESTRATOR_ENABLED") != "true":
        return 0
    payload = read_input()
    if len(payload) > MAX_INPUT_BYTES:
        return failed(f"the event has more than {MAX_INPUT_BYTES} bytes")
    try:
        response, port = deliver(arguments[0], payload, launch)
    except CcoError as error:
        return failed(str(error))
    if response.status != 200:
        return failed(f"the daemon answered {response.status}")
    body = response.body if is_ours(port) else _with_warning(response.body)
    write_output(_as_lines(body) if arguments[0] == "PreCompact" else body)
    return 0


def failed(message: str, code: int = 1) -> int:
    """Say why in one line and return the exit code."""
    from cco.cli.output import tell

    tell(f"cco: error: {message}")
    return code


def read_input() -> bytes:
    """Read what Claude Code sends on standard input, one byte more than is accepted at most."""
    return b"" if sys.stdin is None else sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)


def write_output(data: bytes) -> None:
    """Write an answer as it is."""
    if sys.stdout is not None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def deliver(event: str, payload: bytes, launch: Mapping[str, str]) -> tuple[Response, int]:
    """Give an event to the daemon of this session's environment, or to the one in its place.

    Shapes: launch {header: value} -> the answer, and the port of the daemon that gave it.
    Raises: DaemonNotRunning, CcoError.
    """
    try:
        port, token = _environment_port(), os.environ.get("CCO_TOKEN", "")
        return _post(port, token, event, payload, launch), port
    except CcoError:
        if event == PROBE:
            raise
        port, token = _revive()
        return _post(port, token, event, payload, launch), port


def is_ours(port: int) -> bool:
    """Whether a port is the one that this session's other events go to."""
    try:
        return port == _environment_port()
    except DaemonNotRunning:
        return False


def _post(port: int, token: str, event: str, payload: bytes, launch: Mapping[str, str]) -> Response:
    with Connection(port) as connection:
        if not connection.prove(token):
            raise DaemonNotRunning("what answers on the daemon's port is not the daemon")
        target = f"/hooks/{event}"
        return connection.request("POST", target, token=token, body=payload, headers=launch)


def _environment_port() -> int:
    """The port in ORCHESTRATOR_API_URL."""
    port = os.environ.get("ORCHESTRATOR_API_URL", "").rpartition(":")[2]
    if not port.isdecimal() or len(port) > len("65535") or not 0 < int(port) < 65536:
        raise DaemonNotRunning("ORCHESTRATOR_API_URL names no port")
    return int(port)


def _revive() -> tuple[int, str]:
    """Port and token of the daemon after bringing back one that died.

    Raises: DaemonNotRunning, when it was stopped on purpose.
    """
    from cco.config import load_config
    from cco.daemon import supervisor
    from cco.sealing.folder import locate_folder

    if locate_folder() is None:
        raise DaemonNotRunning("the daemon was stopped; the session goes on without orchestration")
    sealed = supervisor.ensure_running(load_config(), lambda line: None, patience_s=_PATIENCE_S)
    return sealed.settings.port, sealed.settings.token


def launch_headers(arguments: Sequence[str]) -> dict[str, str] | None:
    """The headers that a launch's options stand for; None where they are no such options."""
    if len(arguments) % 2:
        return None
    launch = {}
    for option, value in zip(arguments[::2], arguments[1::2], strict=True):
        plain = value.isascii() and value.isprintable() and 0 < len(value) <= _VALUE_CHARS
        if option not in OPTIONS or not plain:
            return None
        launch[OPTIONS[option]] = value
    return launch


def _with_warning(body: bytes) -> bytes:
    """An answer that also tells the user that only commands of this session still reach us."""
    import json

    try:
        answer = json.loads(body)
    except ValueError:
        return body
    if isinstance(answer, dict):
        answer.setdefault("systemMessage", f"cco: {CUT_OFF}.")
    return json.dumps(answer).encode()


def _as_lines(body: bytes) -> bytes:
    """What a summary must keep, as words: Claude Code shows the user what a command printed."""
    import json

    try:
        answer = json.loads(body)
    except ValueError:
        return body
    if not isinstance(answer, dict) or answer.keys() != {"instructions"}:
        return body
    return "\n".join(map(str, answer["instructions"])).encode()


def _is_event(text: str) -> bool:
    return text.isascii() and text.isalpha() and len(text) <= _NAME_CHARS
