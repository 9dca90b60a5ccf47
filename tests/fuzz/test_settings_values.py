"""cco's own settings and definitions, written by other programs and read by us: nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cco.catalogue.markdown import read_definition
from cco.catalogue.model import OVERLAY, Agent
from cco.config import CONFLICTS, MAX_BUDGET_USD, TIERS, load_config
from cco.errors import CatalogueInvalid, ConfigInvalid

TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff"),
    max_size=20,
)
WORD = TEXT.map(str.strip).filter(lambda word: bool(word) and "," not in word)
AMOUNTS = st.floats(0, MAX_BUDGET_USD, exclude_min=True) | st.integers(1, MAX_BUDGET_USD)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "port": st.integers(1, 65535),
        "claude": TEXT.filter(bool),
        "status_line": st.booleans(),
        "hints": st.booleans(),
        "keep_history": st.booleans(),
        "conflicts": st.sampled_from(CONFLICTS),
        "models": st.dictionaries(st.sampled_from(TIERS), st.sampled_from([*TIERS, "a/b:c@d[1]"])),
        "agents": st.fixed_dictionaries({"drop": st.lists(TEXT, max_size=3)}),
        "budget": st.fixed_dictionaries({}, optional={"session": AMOUNTS, "day": AMOUNTS}),
    },
)


def toml(value: Any) -> str:
    """A value as TOML writes it; strings and numbers as JSON does, but for what TOML has not."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(one):08X}" for one in value) + '"'
    return repr(value)


def load(folder: Path, text: str) -> Any:
    path = folder / "config.toml"
    path.write_text(text)
    return load_config({"CCO_CONFIG": str(path)})


@given(SETTINGS)
def test_settings_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]
) -> None:
    text = "".join(f"{name} = {toml(value)}\n" for name, value in settings.items())
    config = load(tmp_path_factory.getbasetemp(), text)
    for name in ("port", "claude", "status_line", "hints", "keep_history", "conflicts", "models"):
        if name in settings:
            assert getattr(config, name) == settings[name]
    budget = settings.get("budget", {})
    assert config.session_budget_usd == budget.get("session")
    assert config.day_budget_usd == budget.get("day")
    assert config.dropped_agents == tuple(settings.get("agents", {}).get("drop", ()))


ODD = st.one_of(
    st.integers(-(1 << 70), 1 << 70), st.floats(), st.booleans(), TEXT, st.lists(TEXT, max_size=2),
    st.dictionaries(TEXT, TEXT | st.integers(), max_size=2),
)  # fmt: skip
NAMES = st.sampled_from(
    "port claude status_line hints keep_history conflicts models agents budget forward metrics x"
    .split()
)  # fmt: skip


@given(st.dictionaries(NAMES, ODD, min_size=1, max_size=2))
def test_other_settings_are_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]
) -> None:
    text = "".join(f"{name} = {toml(value)}\n" for name, value in settings.items())
    folder = tmp_path_factory.getbasetemp()
    try:
        load(folder, text)
    except ConfigInvalid as error:
        told = str(error).removeprefix(str(folder))
        assert any(name in told for name in settings), told
        assert len(told) < 200


AGENTS = st.builds(
    Agent, name=WORD, description=WORD, model=WORD, tools=st.lists(WORD, max_size=4).map(tuple),
    keywords=st.lists(WORD, max_size=4).map(tuple), brief=st.just("The brief.\n\n---\nAnd more."),
    source=st.just(OVERLAY),
)  # fmt: skip


@given(AGENTS, st.booleans())
def test_a_definition_is_read_as_yaml_wrote_it(
    tmp_path_factory: pytest.TempPathFactory, agent: Agent, as_line: bool
) -> None:
    """Ours with lists, Claude Code's with tools on one line; in whatever style YAML chooses."""
    fields: dict[str, Any] = {
        "name": agent.name,
        "description": agent.description,
        "model": agent.model,
        "tools": ", ".join(agent.tools) if as_line else list(agent.tools),
        "keywords": list(agent.keywords),
        "color": 5,
    }
    front = yaml.safe_dump(fields, allow_unicode=True, width=40)
    path = tmp_path_factory.getbasetemp() / "definition.md"
    path.write_text(f"---\n{front}---\n\n{agent.brief}\n", encoding="utf-8")
    assert read_definition(path, OVERLAY).agent == agent


FRAGMENTS = st.lists(
    st.sampled_from(
        ["name: a", "name", ": ", "- ", "[", "]", "{", "}", "&a", "*a", "!!int", "!!bool x", "? ",
         "|", ">", "'", '"', "\n", "\n  ", "---", "...", "#", "%YAML 1.1", "\t", "<<", "\x85", ","]
    )
    | st.text(max_size=3),
    max_size=20,
).map("".join)  # fmt: skip


@given(FRAGMENTS)
def test_any_front_matter_is_read_or_refused_with_its_line(
    tmp_path_factory: pytest.TempPathFactory, front: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "definition.md"
    text = f"---\n{front}\n---\nbrief\n"
    path.write_bytes(text.encode(errors="replace"))
    try:
        lines = read_definition(path).lines
    except CatalogueInvalid as error:
        line = int(str(error).removeprefix(f"{path}:").partition(":")[0])
        assert 1 <= line <= text.count("\n") + 1
    else:
        assert max(lines.values()) == lines["brief"] <= text.count("\n") + 1
