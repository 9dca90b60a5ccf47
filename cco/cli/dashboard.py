"""cco dashboard: open the dashboard in the browser, signed in."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import click

from cco.cli.examples import examples
from cco.cli.output import print_data, print_json, print_note
from cco.config import load_config
from cco.daemon import supervisor
from cco.daemon.rendezvous import call


@click.command(
    name="dashboard",
    help="Open the dashboard in your browser, signed in. Starts the daemon if none runs.",
    short_help="Open the dashboard in your browser.",
    epilog=examples(
        ("cco dashboard", "open it"),
        ("cco dashboard --print-url", "only print the address, good for a minute"),
    ),
)
@click.option("--print-url", is_flag=True, help="Print the address instead of opening it.")
@click.option("--json", "as_json", is_flag=True, help="Print the address as JSON.")
def command(print_url: bool, as_json: bool) -> None:
    supervisor.ensure_running(load_config(), print_note)
    document = call("POST", "/api/v1/dashboard-code", {})
    url, lasts_s = str(document["url"]), document["expires_in_s"]
    if as_json:
        print_json({"url": url, "expires_in_s": lasts_s})
    elif print_url:
        print_data(url)
    elif _open(url):
        print_note("the dashboard opens in your browser; if it does not, open this address there:")
        print_data(url)
    else:
        print_note(f"found no browser to open. Open this address within {lasts_s} seconds, once:")
        print_data(url)


def _open(url: str) -> bool:
    """Hand an address to the user's browser; whether there was somebody to hand it to."""
    if sys.platform == "win32":
        with suppress(OSError):
            os.startfile(url)  # noqa: S606  # an address of ours
            return True
        return False
    if sys.platform == "darwin":
        program = "open"
    elif os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        program = "xdg-open"
    else:
        return False
    try:
        subprocess.Popen(  # noqa: S603  # one of two names, and an address of ours
            [program, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=os.sep,  # no program of this folder's, whatever PATH says
        )
    except OSError:
        return False
    return True
