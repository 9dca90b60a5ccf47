"""The environment that Claude Code is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cco.claude.user_settings import PROXY_EXCEPTIONS, exports_telemetry
from cco.sealing import names
from cco.sealing.sealed_set import SealedSet

_LOG_INTERVAL_MS = 1000
_METRIC_INTERVAL_MS = 10_000
_LOADER_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH")
_OURS = ("CCO_EXECUTABLE",)
_LOOPBACK = "127.0.0.1,localhost,::1"
_SIGNALS = ("logs", "metrics", "traces")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def orchestrated_environment(
    base: Mapping[str, str], sealed: SealedSet, temp: Path, *, telemetry_elsewhere: bool = False
) -> dict[str, str]:
    """The user's environment with the orchestration in it.

    Telemetry that the user exports already (in the environment, or `telemetry_elsewhere` in their
    settings) is left as it is, and then nothing of ours is set: our token must not travel to
    their collector.
    """
    env = plain_environment(base)
    settings = sealed.settings
    env.update(
        {
            "ORCHESTRATOR_ENABLED": "true",
            "ORCHESTRATOR_SETTINGS": str(sealed.path(names.SETTINGS)),
            "ORCHESTRATOR_AGENTS": str(sealed.path(names.AGENTS)),
            "ORCHESTRATOR_RULES": str(sealed.path(names.RULES)),
            "ORCHESTRATOR_HOOKS": str(sealed.path(names.HOOKS)),
            "ORCHESTRATOR_API_URL": settings.api_url,
            "CCO_TOKEN": settings.token,
        }
    )
    env.setdefault("TEMP" if sys.platform == "win32" else "TMPDIR", str(temp))
    if not telemetry_elsewhere and not exports_telemetry(env):
        env.update(_telemetry(settings.port, settings.token))
    env.update(proxy_exceptions(env))
    return env


def proxy_exceptions(env: Mapping[str, Any]) -> dict[str, str]:
    """The user's exceptions from any proxy, and loopback: no hook may take our token to one.

    Claude Code looks at one name in some places and at the other in others, sends plain HTTP
    through a proxy for HTTPS too, and may take that proxy from its settings.
    """
    listed = ",".join([*(str(env.get(name, "")) for name in PROXY_EXCEPTIONS), _LOOPBACK])
    parts = dict.fromkeys(part.strip() for part in listed.split(",") if part.strip())
    return dict.fromkeys(PROXY_EXCEPTIONS, ",".join(parts))


def pinned_environment(
    port: int, env: Mapping[str, Any] = _NOTHING, *, telemetry: bool = True
) -> dict[str, str]:
    """What the bridge sets over every settings file that there may be, so that none of them leads
    our token elsewhere: to a proxy, or with the telemetry, if that is ours, to a collector.

    `env`: what names exceptions from a proxy.
    """
    return {**proxy_exceptions(env), **(_endpoints(port) if telemetry else {})}


def plain_environment(base: Mapping[str, str]) -> dict[str, str]:
    """The user's environment as it was before the frozen program, or an outer cco, changed it."""
    env = {
        name: value
        for name, value in base.items()
        if not name.startswith("_PYI_") and name not in _OURS
    }
    unpacked = getattr(sys, "_MEIPASS", None)
    for name in _LOADER_PATHS:
        original = env.pop(f"{name}_ORIG", None)
        if original is not None:
            env[name] = original
        elif unpacked and env.get(name, "").split(os.pathsep)[0].startswith(str(unpacked)):
            del env[name]
    token = env.get("CCO_TOKEN")
    if token and env.get("OTEL_EXPORTER_OTLP_HEADERS") == _authorization(token):
        for name in _telemetry(0, token):
            env.pop(name, None)
    return env


def _telemetry(port: int, token: str) -> dict[str, str]:
    return {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        **_endpoints(port),
        "OTEL_EXPORTER_OTLP_HEADERS": _authorization(token),
        "OTEL_LOGS_EXPORT_INTERVAL": str(_LOG_INTERVAL_MS),
        "OTEL_METRIC_EXPORT_INTERVAL": str(_METRIC_INTERVAL_MS),
    }


def _endpoints(port: int) -> dict[str, str]:
    """Where telemetry goes; the name of a signal's own endpoint goes before that of all."""
    base = f"http://127.0.0.1:{port}"
    own = {f"OTEL_EXPORTER_OTLP_{one.upper()}_ENDPOINT": f"{base}/v1/{one}" for one in _SIGNALS}
    return {"OTEL_EXPORTER_OTLP_ENDPOINT": base, **own}


def _authorization(token: str) -> str:
    return f"Authorization=Bearer {token}"
