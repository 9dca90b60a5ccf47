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


DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.md"), ROOT / "installers/README.md", *(ROOT / "docs").glob("*.md")]
)


def anchors(path: Path) -> set[str]:
    """What the headings of a document are called in links, as GitHub does it."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    names = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        names.add(re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-"))
    return names


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
        name, _, anchor = "".join(target).partition("#")
        if ":" in name:
            continue
        path = (ROOT / document).parent / name if name else ROOT / document
        assert path.exists(), name
        if anchor:
            assert anchor in anchors(path), f"{name}#{anchor}"


def test_every_document_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text()
    for document in DOCUMENTS:
        name = Path(document)
        if document in ("README.md", "docs/README.md"):
            continue
        link = name.name if name.parent.name == "docs" else f"../{document}"
        assert f"]({link})" in index, document


def test_every_folder_is_in_the_layout() -> None:
    layout = (ROOT / "CONTRIBUTING.md").read_text().partition("```text\n")[2].partition("```")[0]
    for package in ROOT.glob("cco/*/__init__.py"):
        assert f"cco/{package.parent.name}/ " in layout
    tests = layout.partition("tests/ ")[2]
    for package in ROOT.glob("tests/*/__init__.py"):
        assert re.search(rf"\b{package.parent.name}\b", tests), package.parent.name
