"""Hold the workflows against GitHub's schema, actionlint and zizmor.

    python build/release/check_workflows.py

actionlint and zizmor are locked for Linux on x86_64; elsewhere they are used where they are found,
and what was not checked is said.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WORKFLOWS = ROOT / ".github" / "workflows"
_CHECKS = {
    "check-jsonschema": ("--builtin-schema", "vendor.github-workflows"),
    "actionlint": ("-no-color",),
    "zizmor": ("--offline", "--no-progress", "--quiet", "--persona", "pedantic"),
}


def main() -> int:
    """Shapes: -> exit status, 0 or 1."""
    scripts = sysconfig.get_path("scripts")
    found = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    files = sorted(str(path) for path in WORKFLOWS.glob("*.yml"))
    failed = False
    for tool, options in _CHECKS.items():
        program = shutil.which(tool, path=found)
        if program is None:
            must = sys.platform == "linux" and platform.machine() == "x86_64"
            failed = failed or must
            print(f"check_workflows: {tool} is missing{': make bootstrap' if must else ''}")
            continue
        environment = {**os.environ, "PATH": found}
        command = [program, *options, *files]
        failed |= subprocess.run(command, env=environment, check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
