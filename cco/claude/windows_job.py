"""Windows: run a program in a job object, so that it ends with us and its exit code is ours."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

assert sys.platform == "win32"  # tells the type checker where this runs

import ctypes
import os
import signal
import subprocess
from ctypes import wintypes

_JOB_OBJECT_EXTENDED_LIMIT_INFORMATION = 9
_BREAKAWAY_OK = 0x0800
_KILL_ON_JOB_CLOSE = 0x2000
_SIGNED = 1 << 31


class _BasicLimits(ctypes.Structure):
    _fields_ = [
        ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
        ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
    ]


class _ExtendedLimits(ctypes.Structure):
    _fields_ = [
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_ulonglong * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    ]


def run_in_job(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a program to its end in a job that ends with this process.

    This process joins the job before it starts the child, so that the child is in it from its
    first instruction. Ctrl-C and Ctrl-Break reach it through the console; here they are ignored.
    Who asks to leave the job may: a daemon brought back by a hook outlives the session. What is
    left when the program ended by itself, its background processes, goes on as well.

    Returns: the exit code, negative where its highest bit is set, as `sys.exit` takes it.
    """
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.CreateJobObjectW.restype = wintypes.HANDLE
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    job = wintypes.HANDLE(kernel.CreateJobObjectW(None, None))
    _limit(kernel, job, _KILL_ON_JOB_CLOSE | _BREAKAWAY_OK)
    kernel.AssignProcessToJobObject(job, wintypes.HANDLE(kernel.GetCurrentProcess()))
    previous = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGBREAK)
    }
    detached = kernel.GetConsoleCP() == 0  # no console here: none there, rather than a new window
    try:
        process = subprocess.Popen(  # noqa: S603  # Claude Code, which the user named or has
            list(argv),
            env=dict(environ),
            stdin=_open(0),
            stdout=_open(1),
            stderr=_open(2),
            creationflags=subprocess.DETACHED_PROCESS if detached else 0,
        )
        code = process.wait()
    finally:
        _limit(kernel, job, _BREAKAWAY_OK)
        for number, handler in previous.items():
            signal.signal(number, handler)
    return code - 2 * _SIGNED if code >= _SIGNED else code


def _open(fd: int) -> int | None:
    """The descriptor, where it is open: named, a stream is handed on even where no console is."""
    try:
        os.fstat(fd)
    except OSError:
        return None
    return fd


def _limit(kernel: ctypes.WinDLL, job: wintypes.HANDLE, flags: int) -> None:
    limits = _ExtendedLimits()
    limits.BasicLimitInformation.LimitFlags = flags
    kernel.SetInformationJobObject(
        job, _JOB_OBJECT_EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
    )
