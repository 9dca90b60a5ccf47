"""A user's own part of the catalogue: added, replaced, dropped, remapped; bad files never fatal."""

from __future__ import annotations

from pathlib import Path

import pytest

from cco.catalogue.bundle import seal_bundle
from cco.catalogue.lint import COUNT
from cco.catalogue.markdown import load_markdown
from cco.catalogue.model import OVERLAY, SHIPPED
from cco.catalogue.overlay import MAX_FILES, PersonalCatalogue, personal_catalogue
from cco.config import Config, personal_fingerprint

BRIEF = "Take the work of the quay. Hand the rest to `debugger`. " + "Check each crate twice. " * 70
SHORT = "Take the work of the quay."


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's definitions, in a home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = tmp_path / "config" / "cco" / "agents"
    made.mkdir(parents=True)
    return made


def define(folder: Path, name: str, brief: str = BRIEF, **fields: str) -> Path:
    front = {
        "name": name,
        "description": f"Work of the {name}",
        "tools": "Read, Bash",
        "keywords": "[quayside, crane]",
        **fields,
    }
    path = folder / f"{name}.md"
    lines = "".join(f"{field}: {value}\n" for field, value in front.items())
    path.write_text(f"---\n{lines}---\n{brief}\n")
    return path


def names(personal: PersonalCatalogue) -> list[str]:
    return [agent.name for agent in personal.catalogue.agents]


@pytest.mark.usefixtures("folder")
def test_without_anything_of_the_users_it_is_ours() -> None:
    personal = personal_catalogue(Config())
    assert personal.catalogue == load_markdown()
    assert (personal.refused, personal.remarks, personal.own) == ((), (), [])


def test_an_account_without_a_home_has_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cco.catalogue.overlay.config_folder", _no_home)
    assert len(personal_catalogue(Config()).catalogue.agents) == COUNT


def _no_home() -> Path:
    from cco.errors import FolderUnusable

    raise FolderUnusable("this account has no home folder")


def test_one_is_added(folder: Path) -> None:
    define(folder, "dock-worker")
    personal = personal_catalogue(Config())
    assert (personal.refused, personal.remarks) == ((), ())
    assert len(names(personal)) == COUNT + 1
    assert names(personal) == sorted(names(personal))
    agent = personal.catalogue.agent("dock-worker")
    assert (agent.source, agent.model, agent.brief) == (OVERLAY, "inherit", BRIEF.strip())
    assert personal.own == [agent]


def test_one_of_ours_is_replaced(folder: Path) -> None:
    define(folder, "debugger", model="haiku")
    personal = personal_catalogue(Config())
    assert len(names(personal)) == COUNT
    agent = personal.catalogue.agent("debugger")
    assert (agent.source, agent.model) == (OVERLAY, "haiku")
    assert [one.source for one in personal.catalogue.agents].count(SHIPPED) == COUNT - 1


@pytest.mark.usefixtures("folder")
def test_some_are_dropped() -> None:
    personal = personal_catalogue(Config(dropped_agents=("debugger", "unheard-of")))
    assert len(names(personal)) == COUNT - 1
    assert "debugger" not in names(personal)
    assert personal.remarks == ("config.toml: agents.drop names 'unheard-of', whom nobody knows",)


def test_tiers_are_remapped_for_ours_and_theirs(folder: Path) -> None:
    define(folder, "dock-worker", model="haiku")
    config = Config(models={"haiku": "sonnet", "opus": "eu.anthropic.claude-opus-4-5@v1"})
    personal = personal_catalogue(config)
    before = {agent.name: agent.model for agent in load_markdown().agents}
    for agent in personal.catalogue.agents:
        was = before.get(agent.name, "haiku")
        assert agent.model == config.models.get(was, was)
    assert personal.catalogue.agent("dock-worker").model == "sonnet"
    assert personal.catalogue.agent("chief-architect").model == "eu.anthropic.claude-opus-4-5@v1"


def test_a_bad_file_is_named_and_left_out_and_the_rest_works(folder: Path) -> None:
    define(folder, "dock-worker")
    broken = define(folder, "crane-driver", tools="Read, Shell")
    unread = folder / "notes.md"
    unread.write_text("Nothing but notes.\n")
    dated = define(folder, "debugger", model="claude-sonnet-4-5-20250929")
    personal = personal_catalogue(Config())
    assert personal.refused == (
        f"{broken}:4: Claude Code has no tool Shell",
        f"{dated}:6: model 'claude-sonnet-4-5-20250929' is none of opus, sonnet, haiku, inherit",
        f"{unread}:1: no front matter between two lines of ---",
    )
    assert len(names(personal)) == COUNT + 1
    assert personal.catalogue.agent("debugger").source == SHIPPED


def test_what_could_be_better_is_said_and_used(folder: Path) -> None:
    path = define(folder, "dock-worker", SHORT, description="long " * 20, keywords="[]")
    personal = personal_catalogue(Config())
    assert personal.refused == ()
    assert personal.remarks == (
        f"{path}:3: the description costs every turn: 99 characters, over the usual 80",
        f"{path}:5: no keywords, so it is found by its other words only",
        f"{path}:7: the brief has 6 words, not 250 to 900",
    )
    assert "dock-worker" in names(personal)


def test_two_files_cannot_define_one(folder: Path) -> None:
    first = define(folder, "dock-worker")
    second = folder / "other.md"
    second.write_text(first.read_text())
    personal = personal_catalogue(Config())
    assert personal.refused == (f"{second}:1: {first} defines dock-worker already",)
    assert len(names(personal)) == COUNT + 1


def test_the_number_of_files_is_bounded(folder: Path) -> None:
    for number in range(MAX_FILES + 1):
        define(folder, f"n-{number:03d}", SHORT)
    personal = personal_catalogue(Config())
    assert len(names(personal)) == COUNT + MAX_FILES
    assert len(personal.refused) == 1


def test_a_users_own_are_found_with_a_ready_made_index_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    define(folder, "dock-worker")
    define(folder, "rust-engineer", SHORT, description="Chips paint", keywords="[chipping]")
    bundle = seal_bundle(b"s" * 32)
    monkeypatch.setattr("cco.catalogue.overlay.load_shipped", lambda: _open(bundle))
    personal = personal_catalogue(Config(dropped_agents=("debugger",)))
    assert personal.shipped_index is not None
    index = personal.search_index()
    assert index.search("which crane takes the quayside crates?")[0].name == "dock-worker"
    assert index.search("chipping paint")[0].name == "rust-engineer"
    found = {match.name for match in index.search("borrow checker crash segfault", 200)}
    assert "debugger" not in found
    assert index.search("borrow checker says E0502")[0].name != "rust-engineer"


def _open(bundle: bytes) -> object:
    from cco.catalogue.bundle import open_bundle

    return open_bundle(bundle, b"s" * 32)


def test_changes_are_noticed(folder: Path) -> None:
    seen = {personal_fingerprint()}
    path = define(folder, "dock-worker")
    seen.add(personal_fingerprint())
    path.write_text(path.read_text() + "More.\n")
    seen.add(personal_fingerprint())
    (folder.parent / "config.toml").write_text("port = 4000\n")
    seen.add(personal_fingerprint())
    path.unlink()
    seen.add(personal_fingerprint())
    assert len(seen) == 5
    assert personal_fingerprint() in seen
