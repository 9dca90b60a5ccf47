"""Run cco as a shell script does, which has limited, closed or changed something before."""

from __future__ import annotations

import subprocess

from tests.conftest import Result, Sandbox


def in_shell(sandbox: Sandbox, script: str, *arguments: str, **variables: str) -> Result:
    """Run a script, with cco and its arguments for "$@"."""
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *sandbox.command, *arguments],
        env=sandbox.environment(**variables),
        cwd=sandbox.project,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())
