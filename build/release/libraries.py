"""Which native libraries are in a frozen program, as files or within Python's, in which version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from release.errors import ReleaseError
from release.parts import (
    ZLIB_VERSION,
    Part,
    is_ours_or_pythons,
    is_python,
    package_of,
    sha256_of,
)


@dataclass(frozen=True)
class _Library:
    """A library, by the name of its file, and how its bytes tell the version, if they do."""

    name: str
    licence: str
    file: re.Pattern[str]
    version: re.Pattern[bytes] | None = None


OPENSSL_VERSION = re.compile(rb"OpenSSL (\d+\.\d+\.\d+[a-z]?(?:\+[\w.]+)?) +\d+ \w{3} \d{4}")
_KNOWN = (
    _Library("openssl", "Apache-2.0", re.compile(r"lib(crypto|ssl)\b"), OPENSSL_VERSION),
    _Library("zlib", "Zlib", re.compile(r"libz\b|zlib\d*\."), ZLIB_VERSION),
    _Library("expat", "MIT", re.compile(r"libexpat\b"), re.compile(rb"expat_(\d+\.\d+\.\d+)")),
    _Library("libffi", "MIT", re.compile(r"libffi\b")),
    _Library("libuuid", "BSD-3-Clause", re.compile(r"libuuid\b")),
    _Library("mpdecimal", "BSD-2-Clause", re.compile(r"libmpdec\b")),
    _Library("libgcc", "GPL-3.0-or-later WITH GCC-exception-3.1", re.compile(r"libgcc_s\b")),
    _Library(
        "microsoft-c-runtime",
        "LicenseRef-Microsoft-redistributable",
        re.compile(r"(vcruntime|msvcp|ucrtbase|api-ms-win-)[\w-]*\.dll$", re.I),
    ),
)


def libraries(native: Mapping[str, bytes]) -> list[Part]:
    """Name the plain libraries among native files, and those that Python's own files have within.

    Raises: ReleaseError for a file that is not known.
    """
    known: dict[str, _Library] = {}
    versions: dict[str, str] = {}
    within: list[Part] = []
    for name, body in native.items():
        package = package_of(name)
        if is_python(name) or (package is not None and is_ours_or_pythons(package)):
            within += _libraries_within(name, body)
        if is_python(name) or package is not None:
            continue
        library = _library_named(name)
        known[name] = library
        if library.version and (match := library.version.search(body)):
            versions[library.name] = match[1].decode()
    return within + [
        Part(
            library.name,
            versions.get(library.name),
            library.licence,
            "generic",
            (name,),
            sha256_of(native[name]),
        )
        for name, library in sorted(known.items())
    ]


def _libraries_within(name: str, body: bytes) -> list[Part]:
    """The libraries that were linked into a file and tell their version there."""
    return [
        Part(library.name, match[1].decode(), library.licence, "generic", (name,))
        for library in _KNOWN
        if library.version and (match := library.version.search(body))
    ]


def _library_named(name: str) -> _Library:
    for library in _KNOWN:
        if library.file.match(PurePosixPath(name).name):
            return library
    raise ReleaseError(
        f"{name} belongs to nothing known",
        "Leave it out of the freeze, or name it in build/release/libraries.py.",
    )
