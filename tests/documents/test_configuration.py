"""docs/configuration.md has every setting, variable and file of the program, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cco import errors
from cco.catalogue.lint import listing_tokens
from cco.catalogue.markdown import load_markdown
from cco.cli import manual_texts
from cco.config import Config, load_config
from cco.errors import CcoError, ConfigInvalid
from cco.sealing import names
from tests.conftest import Sandbox
from tests.documents.command_lines import ROOT

DOCUMENT = (ROOT / "docs/configuration.md").read_text()
CLI = (ROOT / "docs/cli.md").read_text()
ROW = re.compile(r"^\| `([a-z_.]+)` \| (?:`(\w+)` )?\| (.+?) \| ", re.MULTILINE)
SETTINGS = {name: (variable, default) for name, variable, default in ROW.findall(DOCUMENT)}
VALUES = {
    "port": ("3001", "3001"),
    "claude": ('"/opt/claude"', "/opt/claude"),
    "status_line": ("false", "false"),
    "hints": ("false", "false"),
    "conflicts": ('"deny"', "deny"),
    "keep_history": ("true", "true"),
    "budget.session": ("5", "5"),
    "budget.day": ("30", ""),
    "models": ('{ haiku = "sonnet" }', ""),
    "agents.drop": ('["debugger"]', ""),
    "forward.url": ('"https://otel.example.com"', ""),
    "forward.headers": ('{ Authorization = "Bearer x" }', ""),
    "metrics.folder": ('"~/metrics"', ""),
}
"""A value other than the default for each setting: in the file, and in its variable."""
NOT_FOR_PEOPLE = {
    "CCO_COPY_LOCK", "CCO_EXECUTABLE", "CCO_HELD_SIGINT", "CCO_LAUNCH_DEPTH", "CCO_PARENT",
    "CCO_REMOVE",
}  # fmt: skip
"""Between the launcher, cco and the processes that it starts."""
VARIABLE = re.compile(r"(?<![A-Za-z_])(?:CCO|ORCHESTRATOR)_[A-Z_]*[A-Z](?![A-Z_])")


def changed(path: Path, text: str, environ: dict[str, str]) -> dict[str, Any]:
    """The fields that a file and an environment change."""
    path.write_text(text)
    config = load_config({"CCO_CONFIG": str(path), **environ})._asdict()
    default = Config()._asdict()
    return {name: value for name, value in config.items() if value != default[name]}


def in_toml(name: str, value: str) -> str:
    table, _, key = name.rpartition(".")
    line = f"{key} = {value}\n"
    if name == "forward.headers":  # which go nowhere without it
        line += 'url = "https://otel.example.com"\n'
    return f"[{table}]\n{line}" if table else line


def test_every_setting_is_documented_and_works(tmp_path: Path) -> None:
    assert set(SETTINGS) == set(VALUES)
    fields = set()
    for name, (value, _) in VALUES.items():
        fields |= set(changed(tmp_path / "config.toml", in_toml(name, value), {}))
    assert fields == set(Config()._asdict())


@pytest.mark.parametrize("name", [name for name, (variable, _) in SETTINGS.items() if variable])
def test_a_variable_sets_what_its_setting_does(name: str, tmp_path: Path) -> None:
    value, in_environment = VALUES[name]
    from_file = changed(tmp_path / "a.toml", in_toml(name, value), {})
    variable = {SETTINGS[name][0]: in_environment}
    assert from_file == changed(tmp_path / "b.toml", "", variable)
    assert len(from_file) == 1


class Asked(dict[str, str]):
    """An environment that remembers what was looked for in it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default)


def test_every_variable_that_sets_something_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr("cco.config._config_files", lambda env: [])
    load_config(asked)
    assert asked.names == {variable for variable, _ in SETTINGS.values() if variable}


def test_the_defaults_are_those_of_the_program(tmp_path: Path) -> None:
    for name, (_, default) in SETTINGS.items():
        value = default.strip("`")
        if value in ("none", "[found](#how-claude-code-is-found)"):
            continue
        text = f'"{value}"' if name == "conflicts" else value
        if name == "forward.headers":
            assert value == "{}"
            continue
        assert changed(tmp_path / "config.toml", in_toml(name, text), {}) == {}, name


def test_the_example_is_valid(tmp_path: Path) -> None:
    for document in ("configuration.md", "agents.md", "team.md"):
        text = (ROOT / "docs" / document).read_text()
        for example in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
            assert changed(tmp_path / "config.toml", example, {}), document


def test_a_setting_that_does_not_exist_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="prot"):
        changed(tmp_path / "config.toml", "prot = 3001\n", {})


def test_every_variable_of_the_program_is_documented_and_no_other() -> None:
    sources = [*(ROOT / "cco").rglob("*.py"), *(ROOT / "build/launcher").glob("*.c")]
    found = set()
    for path in sources:
        found |= set(VARIABLE.findall(path.read_text()))
    assert found >= NOT_FOR_PEOPLE
    told = set(VARIABLE.findall(DOCUMENT)) - {"CCO_TEST", "CCO_RELEASE_BASE"}
    assert told == found - NOT_FOR_PEOPLE
    manual = {name for name, _ in manual_texts.ENVIRONMENT}
    assert {name for name in manual if VARIABLE.fullmatch(name)} <= told
    assert {variable for variable, _ in SETTINGS.values() if variable} <= manual


def test_the_help_has_the_same_settings() -> None:
    told = {name: (variable, default) for name, variable, default, _ in manual_texts.SETTINGS}
    assert told == {
        name: (variable, default.strip("`") if default.startswith("`") else "")
        for name, (variable, default) in SETTINGS.items()
    }


def test_every_file_in_the_temp_folder_is_documented_and_no_other() -> None:
    told = set(re.findall(r"`(\.cco-[a-z.-]+[a-z])/?`", DOCUMENT))
    assert told == set(names.ALL)
    assert f"`{names.BRIDGE_COPY_PREFIX}<id>.json`" in DOCUMENT


def test_the_folders_are_where_the_table_says(daemon: Sandbox) -> None:
    status = daemon.ok("daemon", "status", "--json")
    assert f'"{daemon.home}/.local/state/cco/' in status
    assert "`~/.local/state/cco`" in DOCUMENT
    own = daemon.home / ".config/cco/agents"
    own.mkdir(parents=True)
    (own / "mine.md").write_text("---\nname: mine\ndescription: mine\n---\nDo it.\n")
    assert str(own) in daemon.run("agents", "lint").out


# --- numbers that several places tell ---


def test_exit_codes_are_the_same_everywhere() -> None:
    table = {int(code) for code in re.findall(r"^\| (\d+) \|", CLI, re.MULTILINE)}
    assert {code for code, _ in manual_texts.EXIT_CODES} == table
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, CcoError)}
    assert codes - {126, 127} <= table


def test_what_the_listing_costs_is_the_same_everywhere() -> None:
    tokens = listing_tokens(load_markdown().agents)
    assert f"and has {tokens:,};" in (ROOT / "docs/coordination.md").read_text()
    (told,) = re.findall(
        r"in every request \|[^|]+\| ([\d,]+) tokens", (ROOT / "README.md").read_text()
    )
    assert abs(int(told.replace(",", "")) - tokens) <= 1  # cut off there, rounded up here
