"""Definitions as files: ours, Claude Code's own format, and broken ones with their line."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.catalogue.markdown import FIELDS, load_markdown, read_definition
from cco.errors import CatalogueInvalid

OURS = """---
name: a-helper
description: "Help: with a"
model: opus
tools: [Read, Bash]
keywords: [one, "two: three"]
---
# A helper

The brief.
"""
THEIRS = """\ufeff---\r
name: a-helper\r
description: Help with a\r
tools: Read, Grep,Bash\r
color: blue\r
---\r
\r
You help.\r
"""


def write(folder: Path, text: str | bytes, name: str = "a-helper.md") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_our_format(tmp_path: Path) -> None:
    definition = read_definition(write(tmp_path, OURS))
    agent = definition.agent
    assert (agent.name, agent.description, agent.model) == ("a-helper", "Help: with a", "opus")
    assert agent.tools == ("Read", "Bash")
    assert agent.keywords == ("one", "two: three")
    assert agent.brief == "# A helper\n\nThe brief."
    assert definition.lines == {
        "name": 2,
        "description": 3,
        "model": 4,
        "tools": 5,
        "keywords": 6,
        "brief": 8,
    }


def test_the_format_of_claude_codes_own_agent_files(tmp_path: Path) -> None:
    agent = read_definition(write(tmp_path, THEIRS)).agent
    assert agent.tools == ("Read", "Grep", "Bash")
    assert (agent.model, agent.keywords, agent.brief) == ("inherit", (), "You help.")


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", 1, "no front matter"),
        ("# A helper", 1, "no front matter"),
        ("---\nname: a-helper\n", 1, "no front matter"),
        ("---\nname: [a\n---\nbrief", 2, "not YAML"),
        ("---\nname: [a\n---\n", 2, "not YAML"),
        ("---\nname: a\n\tmodel: b\n---\nbrief", 3, "not YAML"),
        ("---\nname: !!python/object:os.system a\n---\nbrief", 2, "name is not text"),
        ('---\n\n\nname: "\\ud800"\n---\nbrief', 4, "name is not text"),
        ("\n \n---\nname: [b]\n---\nbrief", 4, "name is not text"),
        ("---\n- a\n---\nbrief", 2, "not a mapping"),
        ("---\n\n---\nbrief", 2, "not a mapping"),
        ("---\nname: a-helper\nname: b\n---\nbrief", 3, "twice"),
        (OURS.replace("name: a-helper\n", ""), 1, "name is missing"),
        (OURS.replace("model: opus", "model: 5"), 4, "model is not text"),
        (OURS.replace("[Read, Bash]", "{Read: 1}"), 5, "tools is not a list"),
        (OURS.replace("[Read, Bash]", "[Read, 1]"), 5, "tools is not a list"),
        (OURS.replace('[one, "two: three"]', "[no]"), 6, "keywords is not a list"),
        ("---\na: " + "[" * 20_000 + "\n---\nbrief", 1, "not YAML"),
        (b"---\nname: \xff\n---\nbrief", 1, "not UTF-8"),
        ("x" * 70_000, 1, "over 65536 bytes"),
    ],
)
def test_a_broken_file_is_named_with_line_and_reason(
    tmp_path: Path, text: str | bytes, line: int, why: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(CatalogueInvalid) as caught:
        read_definition(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "line",
    ['color: !!int ""', "color: !!bool x", "color: !!timestamp x", 'color: !!float "_"',
     "? [a]\n: b", "color: 2020-99-99", "color: " + "1" * 5_000, "<<: x", "&a [*a]: x"],
)  # fmt: skip
def test_fields_of_no_use_are_passed_over_whatever_they_are(tmp_path: Path, line: str) -> None:
    text = OURS.replace("name: a-helper\n", f"{line}\nname: a-helper\n")
    assert read_definition(write(tmp_path, text)).agent.name == "a-helper"


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """Also behind blank lines, and where YAML sees line ends that editors do not."""
    text = "\n\n" + OURS.replace("model:", "# a\x85# b\u2028# c\nmodel:")
    lines = read_definition(write(tmp_path, text)).lines
    found = text.split("\n")
    assert all(found[lines[name] - 1].startswith(f"{name}:") for name in FIELDS)
    assert found[lines["brief"] - 1] == "# A helper"


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "folder.md").mkdir()
    for name in ("pipe.md", "folder.md", "absent.md"):
        with pytest.raises(CatalogueInvalid, match="not a file"):
            read_definition(tmp_path / name)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = write(tmp_path_factory.getbasetemp(), f"---\n{text}\n---\nbrief")
    with suppress(CatalogueInvalid):
        read_definition(path)


def test_ours_are_strict(tmp_path: Path) -> None:
    for text, name in ((THEIRS, "a-helper.md"), (OURS, "b-helper.md")):
        folder = tmp_path / name
        (folder / "agents").mkdir(parents=True)
        write(folder / "agents", text, name)
        with pytest.raises(CatalogueInvalid):
            load_markdown(folder)
    with pytest.raises(CatalogueInvalid, match="holds no agents"):
        load_markdown(tmp_path / "absent")
