"""What is known to be wrong with what we build upon, and the rules that our own code is held to.

This is no scanner: it has the advisories that the authors of its table knew, and keeps the locks
from ever going back behind one. `make check` runs the rules; that every requirement is pinned by
hash is held by tests/unit/test_build_locks.py.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "build" / "requirements"
ADVISORIES = tomllib.loads((REQUIREMENTS / "advisories.toml").read_text())["advisory"]
SHIPPED = ("runtime", "freeze", "launcher")
"""The locks of what is in the program, or makes it."""


def locked(lock: Path) -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


def numbers(version: str) -> tuple[int, ...]:
    """A release's numbers, which are all that our locks and the advisories have."""
    assert re.fullmatch(r"\d+(\.\d+)*", version), version
    return tuple(map(int, re.sub(r"(\.0+)+$", "", version).split(".")))


@pytest.mark.parametrize("advisory", ADVISORIES, ids=lambda one: one["id"])
def test_no_lock_has_a_version_with_a_known_fault(advisory: dict[str, str]) -> None:
    assert re.fullmatch(r"CVE-\d{4}-\d{4,}", advisory["id"])
    found = 0
    for lock in REQUIREMENTS.glob("*.txt"):
        version = locked(lock).get(advisory["package"])
        if version is not None:
            found += 1
            assert numbers(version) >= numbers(advisory["fixed_in"]), (lock.name, advisory)
    assert found, f"{advisory['package']} is locked nowhere: the entry can go"


def test_what_is_compared_is_more_than_text() -> None:
    assert numbers("6.10") > numbers("6.9.9")
    assert numbers("44.0.1") > numbers("44.0") == numbers("44")


def test_every_shipped_package_was_looked_at() -> None:
    """One without an entry is named as such: it was looked for, and nothing was known."""
    document = tomllib.loads((REQUIREMENTS / "advisories.toml").read_text())
    seen = {one["package"] for one in ADVISORIES} | set(document["nothing_known_of"])
    shipped = {name for lock in SHIPPED for name in locked(REQUIREMENTS / f"{lock}.txt")}
    assert shipped <= seen, f"look for advisories of {sorted(shipped - seen)}"


def test_the_runtime_asks_for_no_version_with_a_known_fault() -> None:
    """Who installs from source, without the locks, is held to the same."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lowest = dict(re.split(r">=", one) for one in wanted)
    for advisory in ADVISORIES:
        for name, version in lowest.items():
            if name.lower() == advisory["package"]:
                assert numbers(version) >= numbers(advisory["fixed_in"]), advisory


def test_bandits_rules_are_on_and_exceptions_have_reasons() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "S" in settings["select"]
    assert [one for one in settings["ignore"] if one.startswith("S1") or one == "S"] == ["S101"]
    for folder in ("cco", "build", "spec"):
        for path in (ROOT / folder).rglob("*.py"):
            for line in path.read_text().splitlines():
                if re.search(r"# noqa: .*\bS\d", line):
                    assert re.search(r"# noqa: [A-Z0-9, ]+  # \w", line), f"{path}: {line.strip()}"
