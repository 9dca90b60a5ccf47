"""What the dashboard and its tests take from npm: the chart library, and axe-core.

    python build/web_parts.py fetch     npm-install both into .cache/web, print the folder
    python build/web_parts.py update    fetch, and copy the chart library into cco/web/vendor
    python build/web_parts.py check     whether cco/web/vendor is what the lock pins

web/package-lock.json pins versions and hashes. The chart library's built files are part of the
sources, so that nothing but a change of its version needs npm.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from npm_parts import CACHE, NpmUnavailable, install, is_installed

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "build" / "web"
INSTALLED = CACHE / "web"
VENDOR = ROOT / "cco" / "web" / "vendor"
VENDORED = {
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.LICENSE.txt": "uplot/LICENSE",
}


class PartsUnavailable(NpmUnavailable):
    """The sources' copy is not what is pinned; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="What the dashboard takes from npm.")
    parser.add_argument("action", choices=["fetch", "update", "check"])
    action = parser.parse_args(arguments).action
    try:
        if not is_installed(PINNED, INSTALLED):
            install(PINNED, INSTALLED)
        if action == "update":
            update()
        elif action == "check":
            check()
        else:
            print(INSTALLED)
    except NpmUnavailable as error:
        print(f"web_parts: {error}", file=sys.stderr)
        return 1
    return 0


def update() -> None:
    """Copy the chart library's built files into the sources."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, source in VENDORED.items():
        shutil.copyfile(INSTALLED / "node_modules" / source, VENDOR / name)


def check() -> None:
    """Compare the sources' copy with what the lock pins.

    Raises: PartsUnavailable.
    """
    for name, source in VENDORED.items():
        try:
            same = (VENDOR / name).read_bytes() == (
                INSTALLED / "node_modules" / source
            ).read_bytes()
        except OSError:
            same = False
        if not same:
            raise PartsUnavailable(
                f"{VENDOR / name} is not what build/web pins. Run: python build/web_parts.py update"
            )


if __name__ == "__main__":
    raise SystemExit(main())
