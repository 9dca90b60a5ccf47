"""Fill in the templates in installers/: @NAME@ stands for a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from release.errors import ReleaseError

INSTALLERS = Path(__file__).parent.parent.parent / "installers"
_PLACE = re.compile(r"@([A-Z][A-Z0-9_]*)@")


def render(template: str, values: Mapping[str, str]) -> str:
    """Fill in a template, named relative to installers/; a note on top of it is left out.

    Raises: ReleaseError, for a place without a value and for a value without a place.
    """
    text = (INSTALLERS / template).read_text(encoding="utf-8")
    text = re.sub(r"\A(#@ .*\n)+", "", text)
    places = set(_PLACE.findall(text))
    if places != set(values):
        odd = ", ".join(sorted(places ^ set(values)))
        raise ReleaseError(f"{template} and the values given for it differ in {odd}")
    return _PLACE.sub(lambda match: values[match[1]], text)
