"""Read the catalogue's Markdown: a folder of agents with front matter, and four texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cco.catalogue.model import SHIPPED, TEXTS, Agent, Catalogue
from cco.errors import CatalogueInvalid

SOURCE = Path(__file__).parent
FIELDS = ("name", "description", "model", "tools", "keywords")
_MAX_FILE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Definition:
    """One file: the agent it defines, and where each part of it stands."""

    agent: Agent
    lines: Mapping[str, int]
    """The line of each field of the front matter, and of the `brief`."""


def load_markdown(folder: Path = SOURCE) -> Catalogue:
    """Read a whole catalogue from its folder.

    Raises: CatalogueInvalid, naming the file, the line and the reason.
    """
    agents = tuple(_load_agent(path) for path in sorted((folder / "agents").glob("*.md")))
    if not agents:
        raise CatalogueInvalid(f"{folder / 'agents'} holds no agents")
    texts = {name: _read(folder / f"{name}.md") for name in TEXTS}
    return Catalogue(agents=agents, **texts)


def _load_agent(path: Path) -> Agent:
    """Read a definition of ours: every field is there, no other, and the file has its name."""
    definition = read_definition(path)
    if set(definition.lines) != {*FIELDS, "brief"}:
        raise CatalogueInvalid(f"{path}:1: the fields are not {', '.join(FIELDS)}")
    if definition.agent.name != path.stem:
        raise CatalogueInvalid(f"{path}:{definition.lines['name']}: is not the file's name")
    return definition.agent


def read_definition(path: Path, source: str = SHIPPED) -> Definition:
    """Read one definition, in our format or in that of Claude Code's own agent files.

    `tools` is a list or a line of names with commas; `model` may be missing (inherit), and so may
    `keywords`; fields that cco has no use for are passed over.
    Raises: CatalogueInvalid, naming the file, the line and the reason.
    """
    front, lines, brief = _split(_read(path), path)

    def text(name: str, default: str | None = None) -> str:
        value = front.get(name, default)
        if not isinstance(value, str):
            why = "is missing" if value is None else "is not text"
            raise CatalogueInvalid(f"{path}:{lines.get(name, 1)}: {name} {why}")
        return value.strip()

    def words(name: str) -> tuple[str, ...]:
        value = front.get(name, [])
        if isinstance(value, str):
            value = value.split(",")
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise CatalogueInvalid(f"{path}:{lines[name]}: {name} is not a list of words")
        return tuple(item.strip() for item in value if item.strip())

    agent = Agent(
        name=text("name"),
        description=text("description"),
        model=text("model", "inherit"),
        tools=words("tools"),
        keywords=words("keywords"),
        brief=brief,
        source=source,
    )
    return Definition(agent, lines)


def _split(text: str, path: Path) -> tuple[Mapping[str, Any], dict[str, int], str]:
    """Split a file into its YAML front matter, the lines of its parts, and its body."""
    import yaml

    head, separator, rest = text.partition("---\n")
    front, end, body = f"{rest}\n".partition("\n---\n")
    if head or not separator or not end:
        raise CatalogueInvalid(f"{path}:1: no front matter between two lines of ---")
    loader = None
    try:
        loader = _loader_without_aliases()(front)
        node = loader.get_single_node()
        fields = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 2
        reason = getattr(error, "problem", None) or getattr(error, "reason", type(error).__name__)
        raise CatalogueInvalid(f"{path}:{line}: not YAML: {reason}") from None
    finally:
        if loader is not None:
            loader.dispose()
    if node is None or not isinstance(fields, dict):
        raise CatalogueInvalid(f"{path}:2: the front matter is not a mapping")
    lines = {str(key.value): key.start_mark.line + 2 for key, _ in node.value}
    if len(lines) < len(node.value):
        raise CatalogueInvalid(f"{path}:2: a field is there twice")
    lines["brief"] = front.count("\n") + 4
    return fields, lines, body.strip()


@cache
def _loader_without_aliases() -> type[Any]:
    """A loader for front matter, which has no use for what lets a small file become a huge one."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                mark = self.get_mark()
                raise yaml.composer.ComposerError(None, None, "aliases are not taken", mark)
            return super().compose_node(parent, index)

    return Loader


def _read(path: Path) -> str:
    try:
        if not path.is_file():  # a pipe or device would be waited for
            raise CatalogueInvalid(f"{path}:1: not a file")
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise CatalogueInvalid(f"{path}:1: cannot be read: {error.strerror}") from None
    if len(data) > _MAX_FILE_BYTES:
        raise CatalogueInvalid(f"{path}:1: over {_MAX_FILE_BYTES} bytes")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        raise CatalogueInvalid(f"{path}:1: not UTF-8") from None
