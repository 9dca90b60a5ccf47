"""Windows: the user's PATH in the registry, and telling running programs that it changed."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

assert sys.platform == "win32"  # tells the type checker where this runs

import ctypes
import winreg
from ctypes import wintypes

from cco.errors import InstallFailed
from cco.installation.path_entries import MAX_CHARACTERS, with_entry, without_entry
from cco.installation.steps import REMOVED, REPLACED, UNCHANGED

_KEY = "Environment"
_VALUE = "Path"
_BROADCAST = 0xFFFF
_SETTING_CHANGE = 0x001A
_ABORT_IF_HUNG = 0x0002
_TIMEOUT_MS = 5000


@dataclass(frozen=True)
class PathEntry:
    """Have a folder on the user's PATH, or not; system-wide PATH is never touched."""

    folder: Path
    wanted: bool

    @property
    def path(self) -> Path:
        """What is changed, as the registry's tools write it."""
        return Path("HKCU", _KEY, _VALUE)

    def outcome(self) -> str:
        value, _ = _read()
        if self._changed(value) == value:
            return UNCHANGED
        return REPLACED if self.wanted else REMOVED

    def apply(self) -> None:
        value, kind = _read()
        changed = self._changed(value)
        if len(changed) > MAX_CHARACTERS:
            raise InstallFailed(
                "PATH would be too long", advice=f"Shorten it, then add {self.folder} to it."
            )
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _KEY, access=winreg.KEY_SET_VALUE) as key:
            if changed:
                winreg.SetValueEx(key, _VALUE, 0, kind, changed)
            else:
                winreg.DeleteValue(key, _VALUE)
        _broadcast()

    def _changed(self, value: str) -> str:
        edit = with_entry if self.wanted else without_entry
        return edit(value, str(self.folder), os.environ)


def _read() -> tuple[str, int]:
    """The user's PATH and its registry type, which may let `%names%` in it be expanded."""
    with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, _KEY, access=winreg.KEY_READ) as key:
        try:
            value, kind = winreg.QueryValueEx(key, _VALUE)
        except FileNotFoundError:
            return "", winreg.REG_EXPAND_SZ
    if kind not in (winreg.REG_SZ, winreg.REG_EXPAND_SZ):
        raise InstallFailed(
            "the user's PATH in the registry is not a text",
            advice=rf"Correct the value {_VALUE} of HKCU\{_KEY}, then install again.",
        )
    return str(value), kind


def _broadcast() -> None:
    """Let Explorer take up the change, so that terminals opened from now on have it."""
    send = ctypes.WinDLL("user32").SendMessageTimeoutW
    send.argtypes = [
        *(wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPCWSTR),
        *(wintypes.UINT, wintypes.UINT, ctypes.c_void_p),
    ]
    answer = ctypes.c_size_t()
    send(
        *(_BROADCAST, _SETTING_CHANGE, 0, "Environment"),
        *(_ABORT_IF_HUNG, _TIMEOUT_MS, ctypes.byref(answer)),
    )
