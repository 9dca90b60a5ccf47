"""cco daemon start|stop|restart|status|logs|run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click

from cco.cli.examples import examples
from cco.cli.output import print_data, print_json, print_note, print_prose, printable
from cco.config import load_config
from cco.daemon import supervisor
from cco.daemon.rendezvous import call, find_alive
from cco.errors import (
    DaemonAlreadyRunning,
    DaemonNotRunning,
    FolderUnusable,
    NotFound,
    SealError,
)
from cco.sealing import names
from cco.sealing.folder import choose_folder, locate_folder
from cco.sealing.sealed_set import SealedSet

PORT = click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    help="Use this port or fail; else 3000, or the next free one.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_FOLLOW_POLL_S = 0.2
_TAIL_BYTES = 256 * 1024


@click.group(
    name="daemon",
    help="The background process that orchestrates. It starts with the first session by itself.",
    short_help="Start, stop and look at the background process.",
    epilog=examples(
        ("cco daemon status", "whether it runs, and where"),
        ("cco daemon restart", "take up changed settings; sessions go on"),
        ("cco daemon stop", "end it; nothing is left in the temp folder"),
    ),
)
def group() -> None:
    pass


@group.command(
    help="Start the daemon in the background.",
    epilog=examples(
        ("cco daemon start", "on port 3000, or the next free one"),
        ("cco daemon start --port 3001", "on this port or not at all"),
    ),
)
@PORT
def start(port: int | None) -> None:
    sealed = supervisor.start(load_config(), port, print_note)
    print_data(f"the daemon runs on port {sealed.settings.port} (pid {sealed.settings.pid})")


@group.command(
    help="Stop the daemon and remove what it made in the temp folder, also after one that was"
    " killed.",
    short_help="Stop the daemon and remove what it made.",
    epilog=examples(("cco daemon stop", "sessions that run go on without orchestration")),
)
def stop() -> None:
    stopped = supervisor.stop()
    if stopped.was_running:
        print_data("the daemon is stopped")
    elif stopped.leftovers:
        count = len(stopped.leftovers)
        print_data(f"the daemon was not running; removed {count} files that it had left")
    else:
        print_data("the daemon was not running")


@group.command(
    help="Stop the daemon and start it again. Running sessions go on: port, token and figures"
    " stay.",
    short_help="Stop and start; running sessions go on.",
    epilog=examples(
        ("cco daemon restart", "take up changed settings or agents of yours"),
        ("cco daemon restart --port 3001", "move to another port"),
    ),
)
@PORT
def restart(port: int | None) -> None:
    sealed = supervisor.restart(load_config(), port, print_note)
    print_data(f"the daemon runs on port {sealed.settings.port} (pid {sealed.settings.pid})")


@group.command(
    help="Say whether the daemon runs, and where. Exit code 3 if it does not.",
    epilog=examples(
        ("cco daemon status", "port, process, files"),
        ("cco daemon status --json", "for programs, with the path of the log"),
    ),
)
@JSON
def status(as_json: bool) -> None:
    from cco.daemon.log import log_path

    sealed = find_alive()
    health = call("GET", "/health")
    document = {
        "status": "running",
        "port": sealed.settings.port,
        "pid": sealed.settings.pid,
        "api_url": sealed.settings.api_url,
        "version": health["version"],
        "instance": health["instance"],
        "uptime_s": health["uptime_s"],
        "folder": str(sealed.folder),
        "files": [str(sealed.path(name)) for name in names.SEALED],
        "log": str(log_path(sealed.folder)),
    }
    if as_json:
        print_json(document)
        return
    print_prose(_status_text(sealed, float(health["uptime_s"])))


def _status_text(sealed: SealedSet, uptime_s: float) -> str:
    from cco.cli.figures import clock

    settings = sealed.settings
    return (
        f"running on port {settings.port} (pid {settings.pid}) for {clock(uptime_s)}, "
        f"version {settings.version}\n"
        f"files in {printable(str(sealed.folder))}: {', '.join(names.SEALED)}"
    )


@group.command(
    help="Print the end of the daemon's log. It holds no prompts and nothing that a model said.",
    short_help="Print the daemon's log.",
    epilog=examples(
        ("cco daemon logs", "its last 200 lines"),
        ("cco daemon logs -n 20 --follow", "the last 20, then what is added"),
    ),
)
@click.option("--follow", "-f", is_flag=True, help="Go on printing what is added.")
@click.option(
    "--lines",
    "-n",
    metavar="N",
    default=200,
    show_default=True,
    type=click.IntRange(0, 100_000),
    help="How many of its last lines.",
)
def logs(follow: bool, lines: int) -> None:
    from cco.daemon.log import log_path

    path = log_path(locate_folder() or choose_folder())
    if not path.exists():
        raise NotFound(
            f"there is no log yet: {path}", advice="The daemon writes it: cco daemon start"
        )
    if not path.is_file():
        raise FolderUnusable(
            f"{path} is not a file", advice="Remove it; the daemon then writes its log there again."
        )
    try:
        for line in _log_lines(path, lines, follow):
            print(printable(line), flush=follow)
    except KeyboardInterrupt:
        return


def _log_lines(path: Path, lines: int, follow: bool) -> Iterator[str]:
    """The last lines of a log, and what is added to it, across rotation."""
    from cco.daemon.log import open_log

    file = open_log(path)
    try:
        size = file.seek(0, 2)
        file.seek(max(size - _TAIL_BYTES, 0))
        data = file.read().decode("utf-8", "replace")
        pieces = data.splitlines()[1 if size > _TAIL_BYTES else 0 :]
        yield from pieces[len(pieces) - min(lines, len(pieces)) :]
        rest = b""
        while follow:
            rotated = _was_rotated(file.fileno(), path)  # first: what came before it is read now
            added = file.read()
            *complete, rest = (rest + added).split(b"\n")
            for line in complete:
                yield line.decode("utf-8", "replace").removesuffix("\r")
            if rotated:
                file.close()
                file = open_log(path)
            elif not added:
                time.sleep(_FOLLOW_POLL_S)
    finally:
        file.close()


def _was_rotated(fd: int, path: Path) -> bool:
    import os

    try:
        return os.fstat(fd).st_ino != path.stat().st_ino
    except OSError:
        return False


@group.command(
    help="Run the daemon in the foreground, until Ctrl-C.",
    epilog=examples(("cco daemon run", "for a service manager, or to watch it")),
)
@PORT
def run(port: int | None) -> None:
    from cco.daemon import server

    config = load_config()

    def ready(started: server.Started) -> None:
        if port is None and started.port != config.port and not started.kept_port:
            print_note(f"port {config.port} is not free; the daemon uses {started.port}")
        print_note(f"serving on port {started.port}; Ctrl-C stops")

    try:
        find_alive()
    except (DaemonNotRunning, SealError):
        pass
    else:
        raise DaemonAlreadyRunning("a daemon already runs", advice="Stop it: cco daemon stop")
    server.run(config, port, ready)
