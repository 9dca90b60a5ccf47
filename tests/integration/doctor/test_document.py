"""The findings are those of docs/doctor.md and of its schema."""

from __future__ import annotations

import re

from tests.integration.doctor.conftest import ROOT, SCHEMA

DOCUMENT = (ROOT / "docs/doctor.md").read_text()


def test_every_id_is_documented_and_every_documented_id_exists() -> None:
    areas = "|".join(SCHEMA["properties"]["findings"]["items"]["properties"]["area"]["enum"])
    pattern = re.compile(rf'"((?:{areas})\.[a-z_]+)"')
    used = {
        one
        for path in (ROOT / "cco/doctor").glob("*.py")
        for one in pattern.findall(path.read_text())
    }
    rows = "\n".join(line for line in DOCUMENT.splitlines() if line.startswith("| `"))
    documented = set(re.findall(rf"`((?:{areas})\.[a-z_]+)`", rows))
    assert used == documented


def test_the_areas_of_the_schema_are_those_of_the_examination() -> None:
    from cco.doctor.examination import AREAS

    items = SCHEMA["properties"]["findings"]["items"]["properties"]
    assert items["area"]["enum"] == list(AREAS)
