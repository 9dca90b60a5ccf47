"""Read the catalogue's Markdown: a folder of agents with front matter, and four texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cco.catalogue.model import SHIPPED, TEXTS, Agent, Catalogue
from cco.errors import CatalogueInvalid

if TYPE_CHECKING:
    import yaml

SOURCE = Path(__file__).parent
FIELDS = ("name", "description", "model", "tools", "keywords")
_MAX_FILE_BYTES = 64 * 1024
_TAG = "tag:yaml.org,2002:"


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
    texts = {name: _read(folder / f"{name}.md").strip() for name in TEXTS}
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
    import yaml

    front, lines, brief = _split(_read(path), path)

    def text(name: str, default: str | None = None) -> str:
        node = front.get(name)
        value = default if node is None else _text(node)
        if value is None:
            why = "is missing" if node is None or node.tag == f"{_TAG}null" else "is not text"
            raise CatalogueInvalid(f"{path}:{lines.get(name, 1)}: {name} {why}")
        return value.strip()

    def words(name: str) -> tuple[str, ...]:
        node = front.get(name)
        if node is None:
            return ()
        line = _text(node)
        is_list = isinstance(node, yaml.SequenceNode)
        listed = [_text(one) for one in node.value] if is_list else [None]
        found = [one.strip() for one in (listed if line is None else line.split(",")) if one]
        if line is None and None in listed:
            raise CatalogueInvalid(f"{path}:{lines[name]}: {name} is not a list of words")
        return tuple(filter(None, found))

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


def _split(text: str, path: Path) -> tuple[Mapping[str, yaml.Node], dict[str, int], str]:
    """Split a file into the fields of its front matter, the lines of its parts, and its body.

    The fields stay nodes: to make values of them, which nobody wants of most, PyYAML runs code that
    raises whatever comes (KeyError for `!!bool x`), and aliases make a huge one of a small file.
    """
    import yaml

    head, separator, rest = text.partition("---\n")
    front, end, body = f"{rest}\n".partition("\n---\n")
    if head.strip() or not separator or not end:
        raise CatalogueInvalid(f"{path}:1: no front matter between two lines of ---")
    first = head.count("\n") + 2

    def line_at(mark: yaml.Mark | None) -> int:
        return first - 1 if mark is None else first + front.count("\n", 0, mark.index)

    try:
        node = yaml.compose(front, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        line = line_at(getattr(error, "problem_mark", None))
        reason = getattr(error, "problem", None) or getattr(error, "reason", type(error).__name__)
        raise CatalogueInvalid(f"{path}:{line}: not YAML: {reason}") from None
    if not isinstance(node, yaml.MappingNode):
        raise CatalogueInvalid(f"{path}:{first}: the front matter is not a mapping")
    fields: dict[str, yaml.Node] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        line = line_at(key.start_mark)
        name = key.value if isinstance(key, yaml.ScalarNode) else f"(line {line})"
        if name in fields:
            raise CatalogueInvalid(f"{path}:{line}: {name} is there twice")
        fields[name], lines[name] = value, line
    lines["brief"] = first + front.count("\n") + 2
    return fields, lines, body.strip()


def _text(node: yaml.Node) -> str | None:
    """The text that a node is; None for anything else, and for what no file can hold."""
    import yaml

    if not isinstance(node, yaml.ScalarNode) or node.tag != f"{_TAG}str":
        return None
    text = str(node.value)
    return text if text == text.encode(errors="replace").decode() else None


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
        return data.decode("utf-8-sig").replace("\r\n", "\n").rstrip()
    except UnicodeDecodeError:
        raise CatalogueInvalid(f"{path}:1: not UTF-8") from None
