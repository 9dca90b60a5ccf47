"""Windows: files that only their owner may touch, and the name of the account."""

from __future__ import annotations

import re
import sys
from pathlib import Path

assert sys.platform == "win32"  # tells the type checker where this runs

import ctypes
from ctypes import wintypes

from cco.errors import SealedFileUnsafe

_TOKEN_QUERY = 0x0008
_TOKEN_USER = 1
_SE_FILE_OBJECT = 1
_OWNER = 0x1
_DACL = 0x4
_PROTECTED_DACL = 0x80000000
_REVISION = 1

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_advapi = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel.GetCurrentProcess.restype = wintypes.HANDLE
_kernel.LocalFree.argtypes = [ctypes.c_void_p]


def account_name() -> str:
    """The name of this process's account, from GetUserNameW."""
    size = wintypes.DWORD(257)
    buffer = ctypes.create_unicode_buffer(size.value)
    if not _advapi.GetUserNameW(buffer, ctypes.byref(size)):
        raise ctypes.WinError(ctypes.get_last_error())
    return buffer.value


def user_sid() -> str:
    """The security identifier of this process's account, such as `S-1-5-21-...`."""
    token = wintypes.HANDLE()
    process = wintypes.HANDLE(_kernel.GetCurrentProcess())
    if not _advapi.OpenProcessToken(process, _TOKEN_QUERY, ctypes.byref(token)):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        size = wintypes.DWORD()
        _advapi.GetTokenInformation(token, _TOKEN_USER, None, 0, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        if not _advapi.GetTokenInformation(token, _TOKEN_USER, buffer, size, ctypes.byref(size)):
            raise ctypes.WinError(ctypes.get_last_error())
        sid = ctypes.cast(buffer, ctypes.POINTER(ctypes.c_void_p))[0]
        text = wintypes.LPWSTR()
        if not _advapi.ConvertSidToStringSidW(ctypes.c_void_p(sid), ctypes.byref(text)):
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            return str(text.value)
        finally:
            _kernel.LocalFree(text)
    finally:
        _kernel.CloseHandle(token)


def restrict_to_owner(path: Path) -> None:
    """Give full control to this account, nothing to anybody else, and stop inheritance."""
    inherit = "OICI" if path.is_dir() else ""
    descriptor = _descriptor(f"D:P(A;{inherit};FA;;;{user_sid()})")
    try:
        security = _DACL | _PROTECTED_DACL
        if not _advapi.SetFileSecurityW(str(path), wintypes.DWORD(security), descriptor):
            raise ctypes.WinError(ctypes.get_last_error())
    finally:
        _kernel.LocalFree(descriptor)


def access_list(path: Path) -> str:
    """The access list of a file in SDDL, such as `D:P(A;;FA;;;S-1-5-21-...)`."""
    descriptor = ctypes.c_void_p()
    error = _advapi.GetNamedSecurityInfoW(
        str(path), _SE_FILE_OBJECT, _DACL, None, None, None, None, ctypes.byref(descriptor)
    )
    if error:
        raise ctypes.WinError(error)
    try:
        return _text_of(descriptor)
    finally:
        _kernel.LocalFree(descriptor)


def _descriptor(sddl: str) -> ctypes.c_void_p:
    descriptor = ctypes.c_void_p()
    if not _advapi.ConvertStringSecurityDescriptorToSecurityDescriptorW(
        sddl, _REVISION, ctypes.byref(descriptor), None
    ):
        raise ctypes.WinError(ctypes.get_last_error())
    return descriptor


def _text_of(descriptor: ctypes.c_void_p) -> str:
    text = wintypes.LPWSTR()
    if not _advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW(
        descriptor, _REVISION, _DACL, ctypes.byref(text), None
    ):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        return str(text.value)
    finally:
        _kernel.LocalFree(text)


def check_owner_only(path: Path) -> None:
    """Refuse a file that anybody but this account may touch.

    Raises: SealedFileUnsafe.
    """
    text = access_list(path)
    entries = [entry.split(";") for entry in re.findall(r"\(([^)]*)\)", text)]
    ours = {user_sid(), _sddl_name()}
    if "NO_ACCESS_CONTROL" in text or any(one[0] != "D" and one[5] not in ours for one in entries):
        raise SealedFileUnsafe(f"{path} is open to others")


def _sddl_name() -> str:
    """This account as SDDL writes it, which is two letters for well-known ones."""
    descriptor = _descriptor(f"D:(A;;FA;;;{user_sid()})")
    try:
        return _text_of(descriptor).rpartition(";")[2].rstrip(")")
    finally:
        _kernel.LocalFree(descriptor)
