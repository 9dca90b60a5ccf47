"""What the documents say of the program is true of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cco import cli, errors
from cco.build_info import VERSION
from cco.catalogue.markdown import load_markdown
from cco.catalogue.search import SearchIndex
from cco.errors import CcoError
from tests.routing.measure import measure

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CATALOGUE = (ROOT / "docs" / "catalogue.md").read_text()
CLI = (ROOT / "docs" / "cli.md").read_text()


def exit_codes() -> set[int]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return {kind.exit_code for kind in kinds if issubclass(kind, CcoError)}


def test_the_readme_counts_the_specialists_and_names_the_version() -> None:
    assert f"**{len(load_markdown().agents)} specialists**" in README
    assert f"This is version {VERSION.rpartition('.')[0]}." in README


def test_every_exit_code_is_in_the_table() -> None:
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", CLI, re.MULTILINE)}
    assert exit_codes() - {126, 127} <= documented  # those two stand in the text above the table
    assert "126 the" in CLI
    assert "127 it was not found" in CLI


@pytest.mark.parametrize("name", sorted(cli.COMMANDS - {"help"}))
def test_every_command_is_documented(name: str) -> None:
    assert re.search(rf"`cco {name}\b", CLI)


def test_the_figures_of_the_search_are_the_measured_ones() -> None:
    index = SearchIndex.of(load_markdown().agents)
    for half, row in (("tuning", "tuning half"), ("held_out", "held-out half")):
        figures = measure(index, half)
        shown = " | ".join(f"{figures[name]:.2f}" for name in ("top_1", "top_3", "hinted", "quiet"))
        assert f"| {row} (238 + 100) | {shown} |" in CATALOGUE


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "docs/catalogue.md",
        "docs/cli.md",
        "docs/install.md",
        "docs/team.md",
        "installers/README.md",
    ],
)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    for target in re.findall(r"\]\(([^):#]+)\)", text):
        assert ((ROOT / document).parent / target).exists(), target
