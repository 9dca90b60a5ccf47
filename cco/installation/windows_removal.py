"""Windows: remove what runs right now, which only works once it has ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

assert sys.platform == "win32"  # tells the type checker where this runs

_TRIES = 60  # a second each
_SCRIPT = (
    'for /l %i in (1,1,{tries}) do @(if exist "!CCO_REMOVE!" '
    '(del /f /q "!CCO_REMOVE!" & rd /s /q "!CCO_REMOVE!" & ping -n 2 127.0.0.1) '
    'else (rd "!CCO_PARENT!" & exit))'
)
"""`del` is for a file, `rd` for a folder (without /s for an empty one), and `ping` waits. The paths
come through the environment: no character in them can become a part of the script."""


def remove_after_exit(path: Path) -> None:
    """Have a file or folder removed by a process of its own, as soon as Windows lets it."""
    shell = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "cmd.exe")
    subprocess.Popen(  # noqa: S603  # the system's shell; the paths are in its environment
        f'"{shell}" /d /v:on /c "{_SCRIPT.format(tries=_TRIES)}"',
        env={**os.environ, "CCO_REMOVE": str(path), "CCO_PARENT": str(path.parent)},
        cwd=path.anchor,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP,
    )
