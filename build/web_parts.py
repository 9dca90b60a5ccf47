"""What the dashboard and its tests take from npm: the chart library, and axe-core.

    python build/web_parts.py fetch     npm-install both into .cache/web, print the folder
    python build/web_parts.py update    fetch, and copy the chart library into cco/web/vendor
    python build/web_parts.py check     whether cco/web/vendor is what the lock pins

web/package-lock.json pins versions and hashes. The lock names no server: packages come from the
registry that npm is set up for. The chart library's built files are part of the sources, so that
nothing but a change of its version needs npm.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "build" / "web"
CACHE = ROOT / ".cache"
INSTALLED = CACHE / "web"
VENDOR = ROOT / "cco" / "web" / "vendor"
VENDORED = {
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.LICENSE.txt": "uplot/LICENSE",
}
_FILES = ("package.json", "package-lock.json")


class PartsUnavailable(Exception):
    """The pinned packages cannot be had or were changed; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="What the dashboard takes from npm.")
    parser.add_argument("action", choices=["fetch", "update", "check"])
    action = parser.parse_args(arguments).action
    try:
        if not is_current():
            fetch()
        if action == "update":
            update()
        elif action == "check":
            check()
        else:
            print(INSTALLED)
    except PartsUnavailable as error:
        print(f"web_parts: {error}", file=sys.stderr)
        return 1
    return 0


def is_current() -> bool:
    """Whether the pinned versions are installed."""
    try:
        return all(
            (INSTALLED / name).read_bytes() == (PINNED / name).read_bytes() for name in _FILES
        )
    except OSError:
        return False


def fetch() -> None:
    """Install the pinned versions; earlier ones are replaced only once the new are complete.

    Raises: PartsUnavailable.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise PartsUnavailable("npm is missing. Install Node.js (Debian: apt-get install npm)")
    draft = CACHE / f"web-{os.getpid()}.tmp"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        for name in _FILES:
            shutil.copy(PINNED / name, draft / name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        environment = {**os.environ, "npm_config_cache": str(CACHE / "npm")}
        done = subprocess.run(
            command, cwd=draft, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise PartsUnavailable(
                f"npm ci ended with exit status {done.returncode}:\n{done.stderr}"
            )
        shutil.rmtree(INSTALLED, ignore_errors=True)
        draft.rename(INSTALLED)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


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
