"""What the user has set up in Claude Code already, so that cco does not get in its way."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from cco.errors import UsageInvalid

PROXY_EXCEPTIONS = ("NO_PROXY", "no_proxy")
_OURS = ("CCO_TOKEN", "ORCHESTRATOR_ENABLED", "ORCHESTRATOR_API_URL")
"""What settings can set in the place of ours: events would reach nobody, and no budget holds."""
_PLUGIN = "cco@inline"
"""Claude Code's name of a plugin that comes by --plugin-dir."""
_MAX_BYTES = 4 * 1024 * 1024
_MAX_APPENDED_BYTES = 8_000 if sys.platform == "win32" else 100_000
_TELEMETRY_PREFIXES = ("OTEL_", "CLAUDE_CODE_ENABLE_TELEMETRY")
_NOT_AN_EXPORT = ("OTEL_RESOURCE_ATTRIBUTES", "OTEL_LOG_")


class UserSettings(NamedTuple):
    """The parts of a user's settings that matter to a launch."""

    has_status_line: bool
    exports_telemetry: bool
    proxy_exceptions: Mapping[str, Any] = MappingProxyType({})
    """NO_PROXY and no_proxy as the settings set them, over whatever the environment says."""
    blockers: tuple[str, ...] = ()
    """What in them keeps Claude Code from taking part, a phrase each."""


def read_user_settings(
    folder: Path, environ: Mapping[str, str], given: Mapping[str, Any] | None
) -> UserSettings:
    """Read the settings that Claude Code will read for a session in a folder.

    Files that cannot be read or parsed count as absent: reporting them is the client's part.
    """
    managed_path, *paths = _paths(folder, environ)
    managed = _load(managed_path) or {}
    documents = [managed, *(document for path in paths if (document := _load(path)))]
    if given is not None:
        documents.append(dict(given))
    return UserSettings(
        has_status_line=any(document.get("statusLine") for document in documents),
        exports_telemetry=any(
            isinstance(document.get("env"), dict) and exports_telemetry(document["env"])
            for document in documents
        ),
        proxy_exceptions={
            name: document["env"][name]
            for document in documents
            if isinstance(document.get("env"), dict)
            for name in PROXY_EXCEPTIONS
            if name in document["env"]
        },
        blockers=tuple(_blockers(managed, documents)),
    )


def _blockers(managed: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for name in ("disableSideloadFlags", "allowManagedHooksOnly"):
        if managed.get(name):
            yield f"{name} in the managed settings"
    if any(document.get("disableAllHooks") for document in documents):
        yield "disableAllHooks in your settings"
    for document in documents:
        env, plugins = document.get("env"), document.get("enabledPlugins")
        for name in _OURS:
            if isinstance(env, dict) and name in env:
                yield f"env sets {name} in the settings"
        if isinstance(plugins, dict) and plugins.get(_PLUGIN) is False:
            yield f"enabledPlugins turns {_PLUGIN} off in the settings"
        allowed = document.get("allowedHttpHookUrls")
        if isinstance(allowed, list) and not any(_allows_loopback(one) for one in allowed):
            yield "allowedHttpHookUrls, which leaves out http://127.0.0.1"


def _allows_loopback(pattern: object) -> bool:
    from fnmatch import fnmatchcase

    return isinstance(pattern, str) and fnmatchcase("http://127.0.0.1:3000/hooks/Stop", pattern)


def exports_telemetry(variables: Mapping[str, Any]) -> bool:
    """Whether variables configure Claude Code's OpenTelemetry export."""
    return any(
        name.startswith(_TELEMETRY_PREFIXES) and not name.startswith(_NOT_AN_EXPORT)
        for name in variables
    )


def load_given(value: str, folder: Path) -> dict[str, Any]:
    """Load what a user gave to `--settings`: JSON, or a path from the current folder.

    Raises: UsageInvalid.
    """
    if value.lstrip().startswith("{"):
        text, source = value, "the JSON given to --settings"
    else:
        source = f"the file given to --settings ({value})"
        try:
            with (folder / os.path.expanduser(value)).open("rb") as file:
                text = file.read(_MAX_BYTES + 1).decode("utf-8-sig")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise UsageInvalid(f"{source} cannot be read: {reason}", advice="") from None
    if len(text) > _MAX_BYTES:
        raise UsageInvalid(f"{source} is larger than {_MAX_BYTES} bytes", advice="")
    try:
        document = _parsed(text)
    except (ValueError, RecursionError) as error:
        raise UsageInvalid(f"{source} is not JSON: {error}", advice="") from None
    if not isinstance(document, dict):
        raise UsageInvalid(f"{source} is not a JSON object", advice="")
    return document


def load_appended(value: str, folder: Path) -> str | None:
    """What a user gave to `--append-system-prompt-file`; None for what no command line can hold,
    and for what cannot be read, which is for Claude Code to report."""
    try:
        with (folder / value).open("rb") as file:
            text = file.read(_MAX_APPENDED_BYTES + 1)
        return text.decode("utf-8-sig") if len(text) <= _MAX_APPENDED_BYTES else None
    except (OSError, ValueError):
        return None


def _paths(folder: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """The managed settings first, then the user's, then the project's."""
    if sys.platform == "darwin":
        yield Path("/Library/Application Support/ClaudeCode/managed-settings.json")
    elif sys.platform == "win32":
        yield Path(r"C:\Program Files\ClaudeCode\managed-settings.json")
    else:
        yield Path("/etc/claude-code/managed-settings.json")
    named = environ.get("CLAUDE_CONFIG_DIR")
    home = Path(named) if named else Path(os.path.expanduser("~")) / ".claude"
    yield home / "settings.json"
    for parent in (folder, *folder.parents):
        yield parent / ".claude" / "settings.json"
        yield parent / ".claude" / "settings.local.json"
        if os.path.exists(parent / ".git"):
            return


def _parsed(text: str) -> Any:
    """JSON as Claude Code takes it, and as it can be written for it again: without NaN, and with
    the largest number there is in the place of larger ones.

    Raises: ValueError, RecursionError.
    """

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    def number(digits: str) -> float:
        return max(min(float(digits), sys.float_info.max), -sys.float_info.max)

    return json.loads(text, parse_constant=refuse, parse_float=number)


def _load(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            document = _parsed(file.read(_MAX_BYTES).decode("utf-8-sig", "replace"))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
