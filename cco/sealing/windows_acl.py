"""Windows: files that only their owner may touch, and the name of the account."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

assert sys.platform == "win32"  # tells the type checker where this runs

import ctypes
import msvcrt
from ctypes import wintypes

from cco.errors import SealedFileUnsafe

_TOKEN_QUERY = 0x0008
_TOKEN_USER = 1
_SE_FILE_OBJECT = 1
_OWNER = 0x1
_DACL = 0x4
_PROTECTED_DACL = 0x80000000
_REVISION = 1
_GENERIC_WRITE = 0x40000000
_SHARE_READ_WRITE_DELETE = 0x7
_CREATE_NEW = 1
_INVALID_HANDLE = ctypes.c_void_p(-1).value
_SYSTEM = ("SY", "S-1-5-18")
"""The system itself, which no access list keeps out: what root is on POSIX."""

_ENTRY_FIELDS = 6


class _SecurityAttributes(ctypes.Structure):
    _fields_ = [
        ("nLength", wintypes.DWORD),
        ("lpSecurityDescriptor", ctypes.c_void_p),
        ("bInheritHandle", wintypes.BOOL),
    ]


_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_advapi = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel.GetCurrentProcess.restype = wintypes.HANDLE
_kernel.CreateFileW.restype = ctypes.c_void_p
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


def create_private(path: Path) -> int:
    """Create a file that nobody but this account could open at any moment.

    Returns: a descriptor to write to. Raises: OSError, where the name is taken.
    """
    descriptor = _descriptor(_owner_only())
    try:
        attributes = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), descriptor, False)
        handle = _kernel.CreateFileW(
            str(path),
            wintypes.DWORD(_GENERIC_WRITE),
            _SHARE_READ_WRITE_DELETE,
            ctypes.byref(attributes),
            _CREATE_NEW,
            0,
            None,
        )
        if handle == _INVALID_HANDLE:
            raise ctypes.WinError(ctypes.get_last_error())
    finally:
        _kernel.LocalFree(descriptor)
    return msvcrt.open_osfhandle(handle, os.O_WRONLY | os.O_BINARY)


def restrict_to_owner(path: Path) -> None:
    """Give the file and full control to this account, nothing to others, and stop inheritance.

    The owner is set since that of what an elevated process makes is the administrators' group.
    """
    descriptor = _descriptor(_owner_only("OICI" if path.is_dir() else ""))
    try:
        security = _OWNER | _DACL | _PROTECTED_DACL
        if not _advapi.SetFileSecurityW(str(path), wintypes.DWORD(security), descriptor):
            raise ctypes.WinError(ctypes.get_last_error())
    finally:
        _kernel.LocalFree(descriptor)


def _owner_only(inherit: str = "") -> str:
    sid = user_sid()
    return f"O:{sid}D:P(A;{inherit};FA;;;{sid})"


def access_list(path: Path) -> str:
    """Owner and access list of a file in SDDL, such as `O:S-1-5-21-...D:P(A;;FA;;;S-1-5-...)`."""
    descriptor = ctypes.c_void_p()
    error = _advapi.GetNamedSecurityInfoW(
        str(path),
        _SE_FILE_OBJECT,
        _OWNER | _DACL,
        None,
        None,
        None,
        None,
        ctypes.byref(descriptor),
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
        descriptor, _REVISION, _OWNER | _DACL, ctypes.byref(text), None
    ):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        return str(text.value)
    finally:
        _kernel.LocalFree(text)


def check_owner_only(path: Path) -> None:
    """Refuse what belongs to another account, or what anybody but this one may touch.

    The system itself may stand in the list. No list at all, as on FAT, is open to everybody.
    Raises: SealedFileUnsafe.
    """
    try:
        owner, _, entries = access_list(path).partition("D:")
    except OSError as error:
        raise SealedFileUnsafe(f"{path} hides its access list: {error.strerror}") from None
    sid = user_sid()
    ours = {sid, _sddl_name(sid)}
    if owner.removeprefix("O:").partition("G:")[0] not in ours:
        raise SealedFileUnsafe(f"{path} belongs to another user")
    allowed = ours.union(_SYSTEM)
    listed = re.findall(r"\(([^)]*)\)", entries)
    if not listed or not all(_is_harmless(entry.split(";"), allowed) for entry in listed):
        raise SealedFileUnsafe(f"{path} is open to others")


def _is_harmless(entry: list[str], allowed: set[str]) -> bool:
    return len(entry) == _ENTRY_FIELDS and (entry[0] == "D" or entry[-1] in allowed)


def _sddl_name(sid: str) -> str:
    """An account as SDDL writes it, which is two letters for well-known ones."""
    descriptor = _descriptor(f"D:(A;;FA;;;{sid})")
    try:
        return _text_of(descriptor).rpartition(";")[2].rstrip(")")
    finally:
        _kernel.LocalFree(descriptor)
