"""What the user has set up in Claude Code already, so that cco does not get in its way."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from cco.claude.settings_files import MAX_BYTES, global_variables, load, own_paths, parsed
from cco.errors import UsageInvalid

PROXY_EXCEPTIONS = ("NO_PROXY", "no_proxy")
_PLUGIN = "cco@inline"
"""Claude Code's name of a plugin that comes by --plugin-dir."""
TOKEN_VARIABLE = "CCO_TOKEN"  # noqa: S105  # its name
_OURS = (TOKEN_VARIABLE, "ORCHESTRATOR_ENABLED", "ORCHESTRATOR_API_URL")
"""What settings can set in the place of ours: events would reach nobody, and no budget holds."""
_MAX_APPENDED_BYTES = 8_000 if sys.platform == "win32" else 100_000
_POLICY_KEY = r"SOFTWARE\Policies\ClaudeCode"
_LEAVES_OUT = {
    "allowedHttpHookUrls": "leaves out http://127.0.0.1",
    "httpHookAllowedEnvVars": f"leaves out {TOKEN_VARIABLE}",
}
_GIVE_JSON = "Give --settings a JSON object, or the path of a file that holds one."
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
    managed_variables: Mapping[str, Any] = MappingProxyType({})
    """The environment that the managed settings set, over everybody else's."""


def read_user_settings(
    folder: Path, environ: Mapping[str, str], given: Mapping[str, Any] | None
) -> UserSettings:
    """Read the settings that Claude Code will read for a session in a folder.

    Files that cannot be read or parsed count as absent: reporting them is the client's part.
    """
    managed, unreadable = _loaded(managed_paths())
    managed.update(_managed_in_registry())
    own, others_unreadable = _loaded(own_paths(folder, environ))
    if (found := global_variables(environ)) is not None:
        own[str(found[0])] = {"env": found[1]}
    if given is not None:
        own["--settings"] = dict(given)
    documents = [*managed.values(), *own.values()]
    return UserSettings(
        has_status_line=any(document.get("statusLine") for document in documents),
        exports_telemetry=any(exports_telemetry(_variables(one)) for one in documents),
        proxy_exceptions={
            name: variables[name]
            for variables in map(_variables, documents)
            for name in PROXY_EXCEPTIONS
            if name in variables
        },
        blockers=(*_blockers(managed, own), *map(_unknown, (*unreadable, *others_unreadable))),
        managed_variables={
            name: value
            for document in managed.values()
            for name, value in _variables(document).items()
        },
    )


def _loaded(paths: Iterable[Path]) -> tuple[dict[str, dict[str, Any]], list[Path]]:
    """The settings in files by where they are, and the files that only Claude Code can read."""
    found: dict[str, dict[str, Any]] = {}
    unreadable = []
    for path in paths:
        try:
            document = load(path)
        except RecursionError:
            unreadable.append(path)
        else:
            if document:
                found[str(path)] = document
    return found, unreadable


def _unknown(path: Path) -> str:
    return f"nesting too deep for cco to read in {path}"


def _variables(document: Mapping[str, Any]) -> Mapping[str, Any]:
    env = document.get("env")
    return env if isinstance(env, dict) else {}


def _blockers(
    managed: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Shapes: documents by where they are."""
    for where, document in managed.items():
        for name in ("disableSideloadFlags", "allowManagedHooksOnly"):
            if document.get(name):
                yield f"{name} in the managed settings ({where})"
        locked = document.get("strictPluginOnlyCustomization")
        if locked is True or (isinstance(locked, list) and "hooks" in locked):
            yield f"strictPluginOnlyCustomization in the managed settings ({where})"
    every = {**managed, **own}
    yield from _anybodys_blockers(every)
    for name, allows in (
        ("allowedHttpHookUrls", _allows_loopback),
        ("httpHookAllowedEnvVars", _allows_token),
    ):  # the client joins these lists over all files
        lists = {at: one[name] for at, one in every.items() if isinstance(one.get(name), list)}
        if lists and not any(allows(entry) for entries in lists.values() for entry in entries):
            yield f"{name} in {' and '.join(lists)}, which {_LEAVES_OUT[name]}"


def _anybodys_blockers(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for where, document in documents.items():
        if document.get("disableAllHooks"):
            yield f"disableAllHooks in {where}"
        for name in _OURS:
            if name in _variables(document):
                yield f"env sets {name} in {where}"
        plugins = document.get("enabledPlugins")
        if isinstance(plugins, dict) and plugins.get(_PLUGIN) is False:
            yield f"enabledPlugins turns {_PLUGIN} off in {where}"


def _allows_token(name: object) -> bool:
    return name == TOKEN_VARIABLE


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
                text = file.read(MAX_BYTES + 1).decode("utf-8-sig")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise UsageInvalid(f"{source} cannot be read: {reason}", advice=_GIVE_JSON) from None
    if len(text) > MAX_BYTES:
        raise UsageInvalid(f"{source} is larger than {MAX_BYTES} bytes", advice=_GIVE_JSON)
    try:
        document = parsed(text)
    except (ValueError, RecursionError) as error:
        raise UsageInvalid(f"{source} is not JSON: {error}", advice=_GIVE_JSON) from None
    if not isinstance(document, dict):
        raise UsageInvalid(f"{source} is not a JSON object", advice=_GIVE_JSON)
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


def managed_folder() -> Path:
    """Where an administrator puts settings that go before everybody else's."""
    if sys.platform == "darwin":
        return Path("/Library/Application Support/ClaudeCode")
    if sys.platform == "win32":
        return Path(r"C:\Program Files\ClaudeCode")
    return Path("/etc/claude-code")


def managed_paths() -> Iterator[Path]:
    """The files of managed settings: the one, then those beside it in their order."""
    folder = managed_folder()
    yield folder / "managed-settings.json"
    try:
        names = sorted(os.listdir(folder / "managed-settings.d"))
    except OSError:
        return
    for name in names:
        if name.endswith(".json") and not name.startswith("."):
            yield folder / "managed-settings.d" / name


def _managed_in_registry() -> dict[str, dict[str, Any]]:
    """Windows: managed settings of a group policy, by their key."""
    found: dict[str, dict[str, Any]] = {}
    if sys.platform == "win32":
        import winreg

        for root, name in ((winreg.HKEY_LOCAL_MACHINE, "HKLM"), (winreg.HKEY_CURRENT_USER, "HKCU")):
            try:
                with winreg.OpenKey(root, _POLICY_KEY) as key:
                    document = json.loads(str(winreg.QueryValueEx(key, "Settings")[0]))
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(document, dict):
                found[rf"{name}\{_POLICY_KEY}"] = document
    return found
