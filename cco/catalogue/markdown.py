"""Read the catalogue's Markdown: a folder of agents with front matter, and four texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cco.catalogue.model import Agent, Catalogue, agent_from_document
from cco.errors import CatalogueInvalid

SOURCE = Path(__file__).parent
_MAX_FILE_BYTES = 64 * 1024
_FIELDS = {"name": str, "description": str, "model": str, "tools": list, "keywords": list}


def load_markdown(folder: Path = SOURCE) -> Catalogue:
    """Read a whole catalogue from its folder.

    Raises: CatalogueInvalid, naming the file and the reason.
    """
    agents = tuple(load_agent(path) for path in sorted((folder / "agents").glob("*.md")))
    if not agents:
        raise CatalogueInvalid(f"{folder / 'agents'} holds no agents")
    return Catalogue(
        agents=agents,
        rules=_read(folder / "rules.md"),
        pre_compact=_read(folder / "pre_compact.md"),
        post_compact=_read(folder / "post_compact.md"),
        nudge=_read(folder / "nudge.md"),
    )


def load_agent(path: Path) -> Agent:
    """Read one agent definition.

    Raises: CatalogueInvalid, naming the file and the reason.
    """
    front, brief = split_front_matter(_read(path), path)
    for name, kind in _FIELDS.items():
        if not isinstance(front.get(name), kind):
            raise CatalogueInvalid(f"{path}: {name} is missing or not a {kind.__name__}")
    if unknown := sorted(set(front) - set(_FIELDS)):
        raise CatalogueInvalid(f"{path}: unknown field {', '.join(map(str, unknown))}")
    for name in ("tools", "keywords"):
        if not all(isinstance(item, str) for item in front[name]):
            raise CatalogueInvalid(f"{path}: {name} must be a list of words")
    if front["name"] != path.stem:
        raise CatalogueInvalid(f"{path}: is called {front['name']!r}")
    return agent_from_document({**front, "brief": brief})


def split_front_matter(text: str, path: Path) -> tuple[dict[str, Any], str]:
    """Split a definition into its YAML front matter and its body.

    Raises: CatalogueInvalid.
    """
    import yaml

    head, separator, rest = text.partition("---\n")
    front, end, body = rest.partition("\n---\n")
    if head or not separator or not end:
        raise CatalogueInvalid(f"{path}: does not begin with front matter between two lines of ---")
    try:
        fields = yaml.safe_load(front)
    except (yaml.YAMLError, RecursionError) as error:
        first_line = str(error).splitlines()[0]
        raise CatalogueInvalid(f"{path}: the front matter is not YAML: {first_line}") from None
    if not isinstance(fields, dict):
        raise CatalogueInvalid(f"{path}: the front matter is not a mapping")
    return fields, body.strip()


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CatalogueInvalid(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > _MAX_FILE_BYTES:
        raise CatalogueInvalid(f"{path}: {len(data)} bytes, over {_MAX_FILE_BYTES}")
    try:
        return data.decode().replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        raise CatalogueInvalid(f"{path}: not UTF-8") from None
