"""Run a command in a console of its own and press Ctrl-C (or Ctrl-Break) there once it has started.

    python console.py REPORT EVENT FOLDER COMMAND...

EVENT is 0 for Ctrl-C, 1 for Ctrl-Break. It is pressed when FOLDER holds a file `start.*`, and the
command's exit code is then written to REPORT. Started with CREATE_NO_WINDOW: a console that nobody
sees, and that nobody else is in.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from pathlib import Path

assert sys.platform == "win32"  # tells the type checker where this runs

TIMEOUT_S = 60

_report, _event, _folder, *_command = sys.argv[1:]
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_ignore = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)(lambda event: 1)
_kernel.SetConsoleCtrlHandler(_ignore, 1)
_kernel.SetConsoleCtrlHandler(None, 0)  # a parent's wish to ignore Ctrl-C is inherited
_process = subprocess.Popen(_command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
_deadline = time.monotonic() + TIMEOUT_S
while not list(Path(_folder).glob("start.*")) and time.monotonic() < _deadline:
    if _process.poll() is not None:
        break
    time.sleep(0.02)
if not _kernel.GenerateConsoleCtrlEvent(int(_event), 0):
    raise ctypes.WinError(ctypes.get_last_error())
_, _errors = _process.communicate(timeout=TIMEOUT_S)
Path(_report).write_text(f"{_process.returncode}\n{_errors.decode()}", encoding="utf-8")
