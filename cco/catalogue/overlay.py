"""The catalogue as this user has it: ours, without what they drop, with what they add."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from cco.catalogue.bundle import load_shipped
from cco.catalogue.lint import agent_flaws
from cco.catalogue.markdown import read_definition
from cco.catalogue.model import OVERLAY, Agent, Catalogue
from cco.catalogue.search import SearchIndex
from cco.config import Config
from cco.errors import CatalogueInvalid, FolderUnusable
from cco.folders import config_folder

FOLDER = "agents"
MAX_FILES = 200


@dataclass(frozen=True)
class PersonalCatalogue:
    """A user's catalogue, and what is wrong with their part of it."""

    catalogue: Catalogue
    refused: tuple[str, ...] = ()
    """Definitions that cannot be used and were left out: file, line and reason."""
    remarks: tuple[str, ...] = ()
    """What should be better in definitions that are used."""
    shipped_index: str | None = field(default=None, repr=False)

    def search_index(self) -> SearchIndex:
        """The index of this catalogue; only what the program does not bring is computed here."""
        if self.shipped_index is None:
            return SearchIndex.of(self.catalogue.agents)
        index = SearchIndex.from_document(json.loads(self.shipped_index))
        return index.with_agents(self.catalogue.agents)

    @property
    def own(self) -> list[Agent]:
        """The specialists that the user added or replaced."""
        return [agent for agent in self.catalogue.agents if agent.source == OVERLAY]


def overlay_folder() -> Path | None:
    """The folder of the user's own definitions; None for an account without a home."""
    with suppress(FolderUnusable):
        return config_folder() / FOLDER
    return None


def personal_catalogue(config: Config) -> PersonalCatalogue:
    """Load the catalogue as this user has it. A bad file of theirs is left out and named.

    Raises: CatalogueInvalid, for the catalogue that we ship.
    """
    shipped = load_shipped()
    agents = {agent.name: agent for agent in shipped.catalogue.agents}
    refused: list[str] = []
    remarks: list[str] = []
    for name in config.dropped_agents:
        if agents.pop(name, None) is None:
            remarks.append(f"config.toml: agents.drop names {name!r}, whom nobody knows")
    added: dict[str, Path] = {}
    for path in _files(refused):
        try:
            agent = _usable(path, remarks)
        except CatalogueInvalid as error:
            refused.append(str(error))
            continue
        if agent.name in added:
            refused.append(f"{path}:1: {added[agent.name]} defines {agent.name} already")
            continue
        added[agent.name] = path
        agents[agent.name] = agent
    kept = tuple(_on_tier(agents[name], config) for name in sorted(agents))
    catalogue = replace(shipped.catalogue, agents=kept)
    return PersonalCatalogue(catalogue, tuple(refused), tuple(remarks), shipped.index)


def _files(refused: list[str]) -> Iterator[Path]:
    folder = overlay_folder()
    if folder is None:
        return
    try:
        paths = sorted(folder.glob("*.md"))
    except OSError as error:
        refused.append(f"{folder}: cannot be read: {error.strerror}")
        return
    if len(paths) > MAX_FILES:
        refused.append(f"{folder}: {len(paths)} files; those after the first {MAX_FILES}")
    yield from paths[:MAX_FILES]


def _usable(path: Path, remarks: list[str]) -> Agent:
    """Read a file and check it.

    Raises: CatalogueInvalid, where Claude Code would refuse or cut what it defines.
    """
    definition = read_definition(path, OVERLAY)
    lesser = []
    for flaw in agent_flaws(definition.agent):
        line = f"{path}:{definition.lines.get(flaw.field, 1)}: {flaw.reason}"
        if flaw.fatal:
            raise CatalogueInvalid(line)
        lesser.append(line)
    remarks += lesser
    return definition.agent


def _on_tier(agent: Agent, config: Config) -> Agent:
    model = config.models.get(agent.model, agent.model)
    return agent if model == agent.model else replace(agent, model=model)
