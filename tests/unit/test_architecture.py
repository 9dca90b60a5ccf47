"""The picture in docs/architecture.md is that of the tree."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.test_imports import FILES, imports, module_of, part_of

ROOT = Path(__file__).parents[2]
PICTURE = (ROOT / "docs" / "architecture.md").read_text().partition("```mermaid\n")[2]
Edges = set[tuple[str, str]]


def tree() -> tuple[set[str], Edges]:
    """The parts of the program, and which imports which."""
    parts, edges = set(), set()
    for path in FILES:
        part = part_of(module_of(path))
        if part == "cco":
            continue
        parts.add(part)
        edges |= {(part, part_of(name)) for name in imports(path) if name.startswith("cco.")}
    short = {part: part.removeprefix("cco.").strip("_") for part in parts}
    return set(short.values()), {(short[one], short[other]) for one, other in edges if one != other}


def drawn() -> tuple[set[str], Edges]:
    """The boxes and arrows of the picture; a box may have a label."""
    picture = re.sub(r'\["[^"]*"\]', "", PICTURE.partition("```")[0])
    edges = set(re.findall(r"^ +(\w+) --> (\w+)$", picture, re.MULTILINE))
    assert len(edges) == picture.count("-->")
    return set(re.findall(r"\w+", picture.partition("\n")[2])), edges


def follows(edge: tuple[str, str], edges: Edges) -> bool:
    """Whether an arrow leads only where others lead as well."""
    seen, ahead = set(), [other for one, other in edges - {edge} if one == edge[0]]
    while ahead:
        part = ahead.pop()
        if part not in seen:
            seen.add(part)
            ahead += [other for one, other in edges if one == part]
    return edge[1] in seen


def test_the_picture_has_every_part_and_no_other() -> None:
    assert drawn()[0] == tree()[0]


def test_the_arrows_are_the_imports_that_do_not_follow_from_others() -> None:
    edges = tree()[1]
    assert drawn()[1] == {edge for edge in edges if not follows(edge, edges)}


def test_every_box_says_what_it_is() -> None:
    labels = dict(re.findall(r'(\w+)\["([^"]*)"\]', PICTURE))
    assert set(labels) == drawn()[0]
    assert all(text.startswith((f"{part}: ", "__main__")) for part, text in labels.items())
