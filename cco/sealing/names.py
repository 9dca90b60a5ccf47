"""The names in the temp folder."""

from __future__ import annotations

SETTINGS = ".cco-orchestrator-settings"
AGENTS = ".cco-agents-sealed"
RULES = ".cco-rules-sealed"
HOOKS = ".cco-hooks-sealed"

MEMBERS = (AGENTS, RULES, HOOKS)
"""The three files that the manifest inside SETTINGS vouches for."""

SEALED = (SETTINGS, *MEMBERS)

HISTORY = ".cco-history-sealed"
"""What happened, so that it outlives the daemon's process."""

BRIDGE = ".cco-claude-settings.json"
BRIDGE_COPY_PREFIX = ".cco-claude-settings-"
PLUGIN = ".cco-claude-plugin"
DAEMON_LOCK = ".cco-daemon.lock"
START_LOCK = ".cco-start.lock"
DRAFT_SUFFIX = ".tmp"

ALL = (*SEALED, HISTORY, BRIDGE, PLUGIN, DAEMON_LOCK, START_LOCK)
