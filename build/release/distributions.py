"""Which Python distributions are in a frozen program, and what they say of their own parts."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from importlib import metadata

from release.errors import ReleaseError
from release.parts import Part, is_ours_or_pythons, is_python, normal, package_of, pinned


def distributions(modules: Collection[str], native: Mapping[str, bytes]) -> list[Part]:
    """Name the distributions that these modules and native files are of.

    Raises: ReleaseError if one is not installed here or not the pinned one.
    """
    owners = metadata.packages_distributions()
    files: dict[str, list[str]] = {}
    for top in sorted({name.split(".")[0] for name in modules}):
        if not is_ours_or_pythons(top):
            files.setdefault(_owner_of(top, owners), [])
    for name in sorted(native):
        package = None if is_python(name) else package_of(name)
        if package is not None and not is_ours_or_pythons(package):
            files.setdefault(_owner_of(package, owners), []).append(name)
    pins = pinned("runtime")
    return [_distribution(name, pins, tuple(files[name]), native) for name in sorted(files)]


def _owner_of(module: str, owners: Mapping[str, list[str]]) -> str:
    names = set(owners.get(module, ()))
    if len(names) != 1:
        raise ReleaseError(
            f"{len(names) or 'no'} installed distributions hold {module}",
            "Run this with the environment that froze the program: make bootstrap",
        )
    return normal(names.pop())


def _distribution(
    name: str, pins: Mapping[str, str], files: tuple[str, ...], native: Mapping[str, bytes]
) -> Part:
    installed = metadata.distribution(name)
    if pins.get(name) != installed.version:
        raise ReleaseError(
            f"{name} is {installed.version} here, and pinned to {pins.get(name, 'nothing')}",
            "Run: make bootstrap",
        )
    holds = _stated_by(installed)
    for part in holds:
        if part.name == "openssl" and part.kind == "generic":
            _expect_openssl(part.version, files, native)
    needs = (re.match(r"[\w.-]+", requirement) for requirement in installed.requires or ())
    return Part(
        name,
        installed.version,
        _licence_of(installed),
        "pypi",
        files,
        holds=holds,
        needs=tuple(sorted({normal(match[0]) for match in needs if match})),
    )


def _licence_of(installed: metadata.Distribution) -> str | None:
    for name in ("License-Expression", "License"):
        if name in installed.metadata:
            return installed.metadata[name]
    return None


def _stated_by(installed: metadata.Distribution) -> tuple[Part, ...]:
    """What a distribution says of its native parts, in the lists below its `sboms/` (PEP 770)."""
    holds = {}
    for file in installed.files or ():
        if "sboms" not in file.parts or file.suffix != ".json":
            continue
        for component in json.loads(file.read_text(encoding="utf-8")).get("components", ()):
            kind = component.get("purl", "pkg:generic/").removeprefix("pkg:").split("/")[0]
            part = Part(component["name"], component["version"], _licence_in(component), kind)
            holds[kind, part.name, component["version"]] = part
    return tuple(holds[key] for key in sorted(holds))


def _licence_in(component: Mapping[str, object]) -> str | None:
    licences = component.get("licenses")
    for entry in licences if isinstance(licences, list) else ():
        found = entry.get("expression") or entry.get("license", {}).get("id")
        if found:
            return str(found)
    return None


def _expect_openssl(version: str | None, files: Iterable[str], native: Mapping[str, bytes]) -> None:
    """Demand that the OpenSSL that a wheel says it holds is the one in its native files."""
    told = f"OpenSSL {version} ".encode()
    if not any(told in native[name] for name in files):
        raise ReleaseError(f"OpenSSL {version} is stated, and in none of: {', '.join(files)}")
