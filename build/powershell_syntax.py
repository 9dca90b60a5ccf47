"""Whether a PowerShell script is PowerShell, where there is no PowerShell to ask.

    python build/powershell_syntax.py fetch        npm-install the parser into .cache/powershell
    python build/powershell_syntax.py check FILE   print every place that is no PowerShell

powershell/package-lock.json pins tree-sitter's parser for it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from npm_parts import CACHE, NpmUnavailable, install, is_installed

PINNED = Path(__file__).resolve().parent / "powershell"
INSTALLED = CACHE / "powershell"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="Whether a PowerShell script is PowerShell.")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("fetch")
    actions.add_parser("check").add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    try:
        if options.action == "fetch":
            if not is_installed(PINNED, INSTALLED):
                install(PINNED, INSTALLED)
            return 0
        faults = find_faults(options.file)
    except NpmUnavailable as error:
        print(f"powershell_syntax: {error}", file=sys.stderr)
        return 1
    print(faults, end="")
    return 1 if faults else 0


def find_faults(file: Path) -> str:
    """Shapes: -> a line for every fault, empty if there is none.

    Raises: NpmUnavailable, if the parser is not there or does not run.
    """
    node = shutil.which("node")
    if node is None or not is_installed(PINNED, INSTALLED):
        raise NpmUnavailable("the parser is not there. Run: make test-tools")
    # compiling the parser quickly matters more than that it runs quickly
    command = [node, "--liftoff-only", str(PINNED / "check.mjs"), str(INSTALLED), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or done.stderr:
        raise NpmUnavailable(f"the parser does not run:\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
