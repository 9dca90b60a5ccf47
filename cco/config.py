"""The settings: flag > CCO_* variable > config file > default."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from cco.errors import ConfigInvalid, FolderUnusable
from cco.files import read_at_once
from cco.folders import config_folder

DEFAULT_PORT = 3000
TIERS = ("opus", "sonnet", "haiku", "inherit")
"""Claude Code's own names of its models: no model id goes out of date in a definition."""
OFF = frozenset(("false", "0", "no", "off"))
"""Values of ORCHESTRATOR_ENABLED with which Claude Code is launched plainly."""
CONFLICTS = ("warn", "deny", "off")
_SHOWN_CHARS = 60
_MAX_BYTES = 1 << 20
MAX_BUDGET_USD = 1_000_000
NOT_A_BUDGET = f"must be an amount of US dollars over 0, to {MAX_BUDGET_USD}"
_SWITCHES = ("status_line", "hints", "keep_history")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]{0,199}")
"""A tier, or a model id as a cloud provider spells it."""
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9._~\[\]:-]+(/[^\s?#]*)?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_NOT_HEADERS = frozenset("connection content-length content-type host transfer-encoding".split())
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Config(NamedTuple):
    """What a user may choose."""

    port: int = DEFAULT_PORT
    claude: str | None = None
    status_line: bool = True
    hints: bool = True
    models: Mapping[str, str] = _NOTHING
    """What stands in for a tier: `{"haiku": "sonnet"}`."""
    dropped_agents: tuple[str, ...] = ()
    conflicts: str = "warn"
    """What happens when two are about to edit one file: `warn`, `deny` or `off`."""
    session_budget_usd: float | None = None
    day_budget_usd: float | None = None
    keep_history: bool = False
    """Whether the sealed history outlives a clean stop."""
    forward_url: str | None = None
    """The OTLP/HTTP endpoint of a collector that gets a copy of the telemetry."""
    forward_headers: Mapping[str, str] = _NOTHING
    metrics_folder: str | None = None
    """Where a Prometheus on this machine finds address and token."""


def load_config(environ: dict[str, str] | None = None) -> Config:
    """Read the config file and the environment over it.

    Raises: ConfigInvalid, naming the setting and where it was read.
    """
    env = dict(os.environ) if environ is None else environ
    config = Config()
    for path, required in _config_files(env):
        for name, value in _read_file(path, required=required).items():
            config = _with(config, name, value, str(path))
    for name in ("port", "claude", "conflicts", *_SWITCHES):
        variable = f"CCO_{name.upper()}"
        if env.get(variable):
            config = _with(config, name, _from_text(name, env[variable], variable), variable)
    if env.get("CCO_BUDGET"):
        amount = budget_usd(env["CCO_BUDGET"])
        if amount is None:
            raise ConfigInvalid(f"CCO_BUDGET: {NOT_A_BUDGET}, not {env['CCO_BUDGET'][:20]!r}")
        config = config._replace(session_budget_usd=amount)
    return config


def budget_usd(text: str) -> float | None:
    """An amount of US dollars that can be a budget; None for any other text."""
    try:
        amount = float(text) if text.isascii() else 0.0
    except ValueError:
        return None
    return amount if 0 < amount <= MAX_BUDGET_USD else None


def _shown(value: object) -> str:
    """A value as an error shows it, however long it is."""
    try:
        return repr(value)[:_SHOWN_CHARS]
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"


def config_path() -> Path | None:
    """The config file that is read where it exists; None for an account without a home."""
    files = _config_files(dict(os.environ))
    return files[0][0] if files else None


def _config_files(env: dict[str, str]) -> list[tuple[Path, bool]]:
    if env.get("CCO_CONFIG"):
        return [(Path(env["CCO_CONFIG"]), True)]
    try:
        return [(config_folder() / "config.toml", False)]
    except FolderUnusable:
        return []


def _read_file(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        data = read_at_once(path, _MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise ConfigInvalid(f"CCO_CONFIG names {path}, which does not exist") from None
        return {}
    except OSError as error:
        raise ConfigInvalid(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _MAX_BYTES:
        raise ConfigInvalid(f"{path} is larger than {_MAX_BYTES} bytes")
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:  # ValueError also for a number of 5,000 digits
        raise ConfigInvalid(f"{path} is not valid TOML: {error}") from None


def _from_text(name: str, text: str, source: str) -> object:
    if name == "port":
        if not text.isdecimal() or len(text) > len("65535"):
            raise ConfigInvalid(
                f"{source}: port must be a number from 1 to 65535, not {_shown(text)}"
            )
        return int(text)
    if name in _SWITCHES:
        try:
            return {"1": True, "true": True, "0": False, "false": False}[text.lower()]
        except KeyError:
            raise ConfigInvalid(f"{source}: must be true or false, not {_shown(text)}") from None
    return text


def _with(config: Config, name: str, value: object, source: str) -> Config:
    reader = _READERS.get(name)
    if reader is None:
        from difflib import get_close_matches

        near = get_close_matches(name, _READERS, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigInvalid(f"{source}: unknown setting {name!r}{meant}")
    return config._replace(**reader(name, value, source))


def _port(name: str, value: object, source: str) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise ConfigInvalid(f"{source}: port must be a number from 1 to 65535, not {_shown(value)}")
    return {name: value}


def _program(name: str, value: object, source: str) -> dict[str, Any]:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConfigInvalid(f"{source}: claude must be the path of a program")
    return {name: value}


def _switch(name: str, value: object, source: str) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise ConfigInvalid(f"{source}: {name} must be true or false, not {_shown(value)}")
    return {name: value}


def _conflicts(name: str, value: object, source: str) -> dict[str, Any]:
    if value not in CONFLICTS:
        raise ConfigInvalid(f"{source}: conflicts must be one of {', '.join(CONFLICTS)}")
    return {name: value}


def _models(name: str, value: object, source: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigInvalid(f'{source}: models must be a table such as haiku = "sonnet"')
    for tier, model in value.items():
        if tier not in TIERS:
            raise ConfigInvalid(f"{source}: models.{tier} is none of {', '.join(TIERS)}")
        if not isinstance(model, str) or not _MODEL.fullmatch(model):
            raise ConfigInvalid(f"{source}: models.{tier} must name a model, not {_shown(model)}")
    return {name: value}


def _agents(name: str, value: object, source: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) - {"drop"}:
        raise ConfigInvalid(f"{source}: agents takes drop = [names] and nothing else")
    names = value.get("drop", [])
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise ConfigInvalid(f"{source}: agents.drop must be a list of names")
    return {"dropped_agents": tuple(names)}


def _budget(name: str, value: object, source: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) - {"session", "day"}:
        raise ConfigInvalid(f"{source}: budget takes session and day, in US dollars")
    for one, amount in value.items():
        number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
        if not number or not 0 < amount <= MAX_BUDGET_USD:
            raise ConfigInvalid(f"{source}: budget.{one} {NOT_A_BUDGET}, not {_shown(amount)}")
    return {"session_budget_usd": value.get("session"), "day_budget_usd": value.get("day")}


def _forward(name: str, value: object, source: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) - {"url", "headers"}:
        raise ConfigInvalid(f"{source}: forward takes url and headers")
    url, headers = value.get("url"), value.get("headers", {})
    if not isinstance(url, str) or not _ENDPOINT.fullmatch(url):
        raise ConfigInvalid(f"{source}: forward.url must be an http or https address")
    if not isinstance(headers, dict) or not all(
        isinstance(text, str) and text.isprintable() and text.isascii() for text in headers.values()
    ):
        raise ConfigInvalid(f"{source}: forward.headers must be a table of texts in ASCII")
    for one in headers:
        if not _HEADER.fullmatch(one) or one.lower() in _NOT_HEADERS:
            raise ConfigInvalid(f"{source}: forward.headers cannot have {one[:40]!r}")
    return {"forward_url": url, "forward_headers": headers}


def _metrics(name: str, value: object, source: str) -> dict[str, Any]:
    folder = value.get("folder") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(folder, str) or "\0" in folder:
        raise ConfigInvalid(f"{source}: metrics takes folder, the path of a folder")
    folder = os.path.expanduser(folder)
    if not os.path.isabs(folder):
        raise ConfigInvalid(f"{source}: metrics.folder must be a whole path, or begin with ~/")
    return {"metrics_folder": folder}


_READERS: Mapping[str, Callable[[str, object, str], dict[str, Any]]] = {
    "port": _port,
    "claude": _program,
    "status_line": _switch,
    "hints": _switch,
    "keep_history": _switch,
    "conflicts": _conflicts,
    "models": _models,
    "agents": _agents,
    "budget": _budget,
    "forward": _forward,
    "metrics": _metrics,
}


def personal_fingerprint() -> str:
    """What tells whether the user's settings or agents have changed: names, sizes and times."""
    import hashlib

    told = hashlib.sha256()
    try:
        folder = config_folder()
        for path in (folder / "config.toml", *sorted((folder / "agents").glob("*.md"))):
            try:
                status = path.stat()
            except OSError:
                continue
            told.update(f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    except (FolderUnusable, OSError):
        pass
    return told.hexdigest()
