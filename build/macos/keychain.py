"""A keychain for one build, with the certificate that signs it.

    python build/macos/keychain.py open FILE     prints `identity=` for $GITHUB_OUTPUT
    python build/macos/keychain.py close FILE

`open` takes the certificate and its key (PKCS #12, base64) from MACOS_CERTIFICATE and its password
from MACOS_CERTIFICATE_PASSWORD. Passwords reach `security` on its standard input, never as
arguments, which every process of the machine could read.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import os
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from release.errors import ReleaseError  # noqa: E402
from release.errors import run as command_line  # noqa: E402

from macos.tools import run  # noqa: E402

CERTIFICATE = "MACOS_CERTIFICATE"
PASSWORD = "MACOS_CERTIFICATE_PASSWORD"  # noqa: S105  # the name of a variable
LOCK_AFTER_S = 3600
_PLAIN = re.compile(r"[A-Za-z0-9._~+=/@%^:,-]{1,200}")
_IDENTITY = re.compile(r'^\s*\d+\) ([0-9A-F]{40}) "(Developer ID Application: [^"]+)"', re.M)
_KEYCHAIN = re.compile(r'^\s*"([^"\n]+)"', re.M)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    parser = argparse.ArgumentParser(description="A keychain for one build.")
    parser.add_argument("action", choices=["open", "close"])
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    if options.action == "close":
        return command_line("keychain", lambda: close_keychain(options.file))
    return command_line("keychain", lambda: print(f"identity={open_keychain(options.file)}"))


def open_keychain(file: Path) -> str:
    """Make the keychain, and put it first in the search list.

    Shapes: -> SHA-1 of the certificate, 40 hex.
    Raises: ReleaseError.
    """
    try:
        certificate = base64.b64decode("".join(_secret(CERTIFICATE).split()), validate=True)
    except binascii.Error:
        raise ReleaseError(f"{CERTIFICATE} is not base64") from None
    password = _secret(PASSWORD)
    if not _PLAIN.fullmatch(password):
        raise ReleaseError(
            f"{PASSWORD} has characters that cannot be handed on safely",
            "Export the certificate again with a password of letters and digits.",
        )
    own = secrets.token_hex(24)
    exported = file.with_suffix(".p12")
    exported.touch(mode=0o600)
    try:
        exported.write_bytes(certificate)
        _interactive(
            f"create-keychain -p {own} {_quoted(file)}",
            f"set-keychain-settings -lut {LOCK_AFTER_S} {_quoted(file)}",
            f"unlock-keychain -p {own} {_quoted(file)}",
            f"import {_quoted(exported)} -k {_quoted(file)} -P {password} -f pkcs12"
            " -T /usr/bin/codesign",
            f"set-key-partition-list -S apple-tool:,apple: -s -k {own} {_quoted(file)}",
        )
    finally:
        exported.unlink()
    # `security -i` says nothing of a command that failed: what there is now decides.
    listed = run("security", "find-identity", "-v", "-p", "codesigning", str(file))
    identities = _IDENTITY.findall(listed)
    if len(identities) != 1:
        raise ReleaseError(
            f"the keychain holds {len(identities) or 'no'} valid Developer ID Application"
            " certificates",
            f"{CERTIFICATE} must be one with its key, {PASSWORD} its password.",
        )
    _set_search_list([str(file), *_search_list()])
    return str(identities[0][0])


def close_keychain(file: Path) -> None:
    """Take the keychain out of the search list and delete it; nothing if it is not there."""
    if file.exists():
        run("security", "delete-keychain", str(file))


def _search_list() -> list[str]:
    return _KEYCHAIN.findall(run("security", "list-keychains", "-d", "user"))


def _set_search_list(keychains: Sequence[str]) -> None:
    run("security", "list-keychains", "-d", "user", "-s", *dict.fromkeys(keychains))


def _interactive(*commands: str) -> None:
    run("security", "-i", stdin="".join(f"{command}\n" for command in commands))


def _quoted(path: Path) -> str:
    if '"' in str(path) or "\\" in str(path):
        raise ReleaseError(f"{path} cannot be named to `security`")
    return f'"{path}"'


def _secret(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ReleaseError(f"{name} is not set", "It is a secret of the release environment.")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
