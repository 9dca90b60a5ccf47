"""The plugin folder of stubs: valid for Claude Code, private, and without anything of substance."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cco.catalogue.markdown import load_markdown
from cco.claude.plugin import mcp_permission, mcp_server, stub, write_plugin
from cco.errors import FolderUnusable

AGENT = {
    "name": "debugger",
    "description": "For a defect of unknown cause",
    "model": "sonnet",
    "tools": ["Read", "Bash"],
}


def front_matter(text: str) -> dict[str, Any]:
    opening, front, body = text.split("---\n", 2)
    assert opening == ""
    assert body.strip()
    fields = yaml.safe_load(front)
    assert isinstance(fields, dict)
    return fields


def test_a_stub_says_what_is_listed() -> None:
    assert front_matter(stub(AGENT)) == {**AGENT, "tools": "Read, Bash"}


@pytest.mark.parametrize(
    "description",
    [
        'says "no": # not a comment',
        "- a list?",
        "{a: b}",
        "null",
        "yes",
        "1.5",
        "---",
        "a\n---\nb: injected",
        "tab\tand\\backslash\\n",
        "größer “quoted” 🎉",
        "\x00\x1b[31m\x7f\x85\u2028\ufeff",
        "*alias &anchor !tag %percent @at `tick`",
        "{description} {0} %s $x",
        "",
    ],
)
def test_hostile_descriptions_stay_descriptions(description: str) -> None:
    assert front_matter(stub({**AGENT, "description": description})) == {
        **AGENT,
        "description": description,
        "tools": "Read, Bash",
    }


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_description_stays_a_description(description: str) -> None:
    assert front_matter(stub({**AGENT, "description": description}))["description"] == description


def test_the_folder_is_complete_and_private(tmp_path: Path) -> None:
    roster = [agent.public() for agent in load_markdown().agents]
    folder = tmp_path / "plugin"
    write_plugin(folder, roster, "1.2.3")
    manifest = json.loads((folder / ".claude-plugin/plugin.json").read_text())
    assert (manifest["name"], manifest["version"]) == ("cco", "1.2.3")
    stubs = {path.stem: front_matter(path.read_text()) for path in (folder / "agents").iterdir()}
    assert set(stubs) == {agent["name"] for agent in roster}
    assert all(name == fields["name"] for name, fields in stubs.items())
    for path in [folder, *folder.rglob("*")]:
        expected = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == expected, path
    assert [path.name for path in tmp_path.iterdir()] == ["plugin"]


def test_the_daemons_tools_are_named_without_a_token(tmp_path: Path) -> None:
    server = mcp_server("t0k3n")
    write_plugin(tmp_path / "plugin", [AGENT], "1", server=server, port=4711)
    manifest = json.loads((tmp_path / "plugin/.claude-plugin/plugin.json").read_text())
    assert manifest["mcpServers"] == {
        server: {
            "type": "http",
            "url": "http://127.0.0.1:4711/mcp",
            "headers": {"Authorization": "Bearer ${CCO_TOKEN}"},
        }
    }
    assert "t0k3n" not in server
    write_plugin(tmp_path / "plugin", [AGENT], "1")
    manifest = json.loads((tmp_path / "plugin/.claude-plugin/plugin.json").read_text())
    assert "mcpServers" not in manifest


def test_no_project_knows_what_the_daemons_server_is_called() -> None:
    assert mcp_server("one") == mcp_server("one") != mcp_server("other")
    assert re.fullmatch(r"cco-[0-9a-f]{8}", mcp_server("one"))
    assert mcp_permission("cco-01234567") == "mcp__plugin_cco_cco-01234567"


def test_a_definition_names_the_daemons_tools_whatever_the_server_is_called() -> None:
    agent = {**AGENT, "tools": ["Read", "mcp__plugin_cco_cco__note", "mcp__git__log"]}
    named = front_matter(stub(agent, "cco-01234567"))["tools"]
    assert named == "Read, mcp__plugin_cco_cco-01234567__note, mcp__git__log"


def test_no_brief_is_in_it(tmp_path: Path) -> None:
    catalogue = load_markdown()
    write_plugin(tmp_path / "plugin", [agent.public() for agent in catalogue.agents], "1")
    text = "".join(path.read_text() for path in (tmp_path / "plugin").rglob("*") if path.is_file())
    said = "\n".join([catalogue.rules, *(agent.brief for agent in catalogue.agents)])
    assert not [line for line in said.splitlines() if len(line) > 25 and line in text]


def test_an_old_folder_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "plugin"
    write_plugin(folder, [AGENT, {**AGENT, "name": "old"}], "1")
    write_plugin(folder, [AGENT], "2")
    assert [path.name for path in (folder / "agents").iterdir()] == ["debugger.md"]
    assert [path.name for path in tmp_path.iterdir()] == ["plugin"]


def test_a_file_or_link_in_its_place_is_replaced(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").touch()
    folder = tmp_path / "plugin"
    folder.symlink_to(victim)
    write_plugin(folder, [AGENT], "1")
    assert not folder.is_symlink()
    assert (victim / "precious").exists()
    other = tmp_path / "other"
    other.write_text("a file")
    write_plugin(other, [AGENT], "1")
    assert other.is_dir()


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(FolderUnusable):
        write_plugin(tmp_path / "absent/plugin", [AGENT], "1")
    bad = {**AGENT, "name": "x" * 300}
    with pytest.raises(FolderUnusable):
        write_plugin(tmp_path / "plugin", [AGENT, bad], "1")
    assert list(tmp_path.iterdir()) == []
