"""What a user may have set up: Claude Code's settings (JSON), and cco's own (TOML)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cco.claude.bridge import EVENTS, bridge_settings, merge_settings
from cco.claude.environment import pinned_environment
from cco.claude.user_settings import UserSettings, load_given, read_user_settings
from cco.cli.launch import _write_copy
from cco.config import MAX_BUDGET_USD, TIERS, Config, load_config
from cco.errors import ConfigInvalid, UsageInvalid
from tests.fuzz.in_process import PORT, scratch, strict_json

WORDS = (
    *"""
    statusLine env hooks permissions allow deny disableSideloadFlags allowManagedHooksOnly
    disableAllHooks allowedHttpHookUrls NO_PROXY no_proxy OTEL_LOGS_EXPORTER
    CLAUDE_CODE_ENABLE_TELEMETRY command type matcher http://127.0.0.1:*
    port claude status_line hints keep_history conflicts warn off models haiku agents drop budget
    session day forward url headers metrics folder true false nan inf 0x 1_0 1979-05-27T07:32:00Z
    [budget] [forward] [metrics] [agents] [models]
    """.split(),
    *EVENTS,
)


def run(data: bytes) -> None:
    """Both are read from the same bytes: what is one kind is mostly refused as the other."""
    claude_settings(data)
    cco_config(data)


def claude_settings(data: bytes) -> None:
    """Files that make no sense count as absent; what --settings gives is merged or refused."""
    folder = scratch() / "project"
    (folder / ".claude").mkdir(parents=True, exist_ok=True)
    (folder / ".git").mkdir(exist_ok=True)
    (folder / ".claude" / "settings.json").write_bytes(data)
    environ = {"CLAUDE_CONFIG_DIR": str(folder)}
    found = read_user_settings(folder, environ, None)
    assert isinstance(found, UserSettings)
    try:
        given = load_given(".claude/settings.json", folder)
    except UsageInvalid:
        return
    found = read_user_settings(folder, environ, given)
    pinned = pinned_environment(PORT, {**environ, **found.proxy_exceptions})
    assert all("127.0.0.1" in text for text in pinned.values())
    ours = bridge_settings(PORT, ["cco"], status_line=not found.has_status_line, env=pinned)
    copy = scratch() / "copy.json"
    _write_copy(copy, merge_settings(ours, given))
    merged = strict_json(copy.read_bytes())
    check_merged(merged, ours["hooks"])
    for name in set(given) - {"hooks", "permissions", "env"}:
        assert merged[name] == given[name]


def check_merged(merged: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Our own hooks run whatever the user's settings say of hooks."""
    for event, hooks in ours.items():
        mine = merged["hooks"][event]
        assert not isinstance(mine, list) or mine[: len(hooks)] == hooks


def cco_config(data: bytes) -> None:
    """It is refused, naming the file, or holds what a Config holds."""
    path = scratch() / "config.toml"
    path.write_bytes(data)
    try:
        config = load_config({"CCO_CONFIG": str(path)})
    except ConfigInvalid as error:
        config, refusal = Config(), str(error)
    else:
        refusal = str(path)
    assert str(path) in refusal
    assert len(refusal) < 1_000 + 10 * len(data)
    assert 1 <= config.port <= 65535
    assert set(config.models) <= set(TIERS)
    for amount in (config.session_budget_usd, config.day_budget_usd):
        assert amount is None or 0 < amount <= MAX_BUDGET_USD
    for name, text in config.forward_headers.items():
        assert f"{name}: {text}".isprintable()
