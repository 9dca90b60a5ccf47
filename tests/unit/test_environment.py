"""The environment that Claude Code is given, over whatever the user's holds already."""

from __future__ import annotations

from pathlib import Path

import pytest

from cco.claude.environment import orchestrated_environment, pinned_environment, plain_environment
from cco.sealing import names
from cco.sealing.keys import Identity
from cco.sealing.sealed_set import SealedSet, Settings

TOKEN = "t0k3n"
BASE = {"HOME": "/home/me", "PATH": "/usr/bin"}
ENDPOINTS = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4711",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://127.0.0.1:4711/v1/logs",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4711/v1/metrics",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4711/v1/traces",
}


def sealed_set(token: str = TOKEN, port: int = 4711) -> SealedSet:
    settings = Settings(
        instance="00" * 16,
        api_url=f"http://localhost:{port}",
        port=port,
        pid=1,
        token=token,
        version="1",
        created_at="",
        manifest={},
        roster=[],
        policy={},
    )
    return SealedSet(Path("/seals"), Identity("m", "u", b"s"), settings)


def orchestrated(**more: str) -> dict[str, str]:
    return orchestrated_environment({**BASE, **more}, sealed_set(), Path("/tmp/x"))


def telemetry(env: dict[str, str]) -> dict[str, str]:
    prefixes = ("OTEL_", "CLAUDE_CODE_ENABLE_TELEMETRY")
    return {name: value for name, value in env.items() if name.startswith(prefixes)}


def test_the_orchestration_is_in_it() -> None:
    env = orchestrated()
    assert env["ORCHESTRATOR_ENABLED"] == "true"
    assert env["ORCHESTRATOR_SETTINGS"] == f"/seals/{names.SETTINGS}"
    assert env["ORCHESTRATOR_AGENTS"] == f"/seals/{names.AGENTS}"
    assert env["ORCHESTRATOR_RULES"] == f"/seals/{names.RULES}"
    assert env["ORCHESTRATOR_HOOKS"] == f"/seals/{names.HOOKS}"
    assert env["ORCHESTRATOR_API_URL"] == "http://localhost:4711"
    assert env["CCO_TOKEN"] == TOKEN
    assert BASE.items() <= env.items()


def test_the_temp_folder_is_named_where_it_was_not() -> None:
    assert orchestrated()["TMPDIR"] == "/tmp/x"
    assert orchestrated(TMPDIR="/mine")["TMPDIR"] == "/mine"


def test_telemetry_comes_to_the_daemon() -> None:
    assert telemetry(orchestrated()) == {
        "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        **ENDPOINTS,
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer {TOKEN}",
        "OTEL_LOGS_EXPORT_INTERVAL": "1000",
        "OTEL_METRIC_EXPORT_INTERVAL": "10000",
    }


@pytest.mark.parametrize(
    "own",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example"},
        {"OTEL_LOGS_EXPORTER": "console"},
        {"OTEL_METRICS_EXPORTER": "prometheus"},
        {"OTEL_EXPORTER_OTLP_HEADERS": "x-key=secret"},
        {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://collector.example/v1/logs"},
        {"CLAUDE_CODE_ENABLE_TELEMETRY": "1"},
        {"CLAUDE_CODE_ENABLE_TELEMETRY": "0"},
    ],
    ids=lambda own: next(iter(own)),
)
def test_a_users_own_export_stays_as_it_is_and_never_sees_our_token(own: dict[str, str]) -> None:
    env = orchestrated(**own)
    assert telemetry(env) == own
    assert TOKEN not in "".join(telemetry(env).values())


def test_an_export_in_the_users_settings_counts_too() -> None:
    env = orchestrated_environment(BASE, sealed_set(), Path("/tmp"), telemetry_elsewhere=True)
    assert telemetry(env) == {}
    assert env["CCO_TOKEN"] == TOKEN


@pytest.mark.parametrize("name", ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_LOG_USER_PROMPTS"])
def test_mere_attributes_are_no_export(name: str) -> None:
    env = orchestrated(**{name: "x"})
    assert env[name] == "x"
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4711"


def test_a_cco_inside_a_cco_replaces_its_own_telemetry() -> None:
    outer = orchestrated_environment(BASE, sealed_set("old", 3000), Path("/tmp"))
    inner = orchestrated_environment(outer, sealed_set(), Path("/tmp"))
    assert inner == orchestrated_environment({**BASE, "TMPDIR": "/tmp"}, sealed_set(), Path("/tmp"))
    assert "old" not in "".join(inner.values())


def test_a_plain_launch_inside_a_cco_sends_no_telemetry_to_it() -> None:
    env = plain_environment(orchestrated())
    assert telemetry(env) == {}


def test_an_export_set_inside_a_cco_is_the_users_own() -> None:
    outer = orchestrated()
    outer["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=mine"
    inner = orchestrated_environment(outer, sealed_set("new"), Path("/tmp"))
    assert inner["OTEL_EXPORTER_OTLP_HEADERS"] == "x-key=mine"
    assert "new" not in "".join(telemetry(inner).values())


def test_what_a_frozen_program_changed_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys._MEIPASS", "/cache/cco/abc", raising=False)
    env = plain_environment(
        {
            "LD_LIBRARY_PATH": "/cache/cco/abc",
            "LD_LIBRARY_PATH_ORIG": "/mine/lib",
            "DYLD_LIBRARY_PATH": "/cache/cco/abc:/other",
            "LIBPATH": "/mine",
            "_PYI_ARCHIVE_FILE": "/x",
            "_PYI_APPLICATION_HOME_DIR": "/y",
            "CCO_EXECUTABLE": "/bin/cco",
            "PYTHONPATH": "/mine/python",
        }
    )
    assert env == {
        "LD_LIBRARY_PATH": "/mine/lib",
        "LIBPATH": "/mine",
        "PYTHONPATH": "/mine/python",
    }


def test_from_source_library_paths_are_the_users_own() -> None:
    assert plain_environment({"LD_LIBRARY_PATH": "/mine"}) == {"LD_LIBRARY_PATH": "/mine"}


def test_an_empty_original_path_comes_back_empty() -> None:
    env = {"LD_LIBRARY_PATH": "/unpacked", "LD_LIBRARY_PATH_ORIG": ""}
    assert plain_environment(env) == {"LD_LIBRARY_PATH": ""}


LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@pytest.mark.parametrize(
    "proxy",
    ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "NONE"],
)
def test_loopback_never_goes_through_a_proxy(proxy: str) -> None:
    """The client takes even a proxy for https to loopback, and one from its settings as well."""
    env = orchestrated(**{proxy: "http://proxy.example:8080"})
    for name in ("NO_PROXY", "no_proxy"):
        assert set(env[name].split(",")) == LOOPBACK


@pytest.mark.parametrize("own", ["NO_PROXY", "no_proxy"])
def test_a_users_own_exceptions_hold_whichever_name_is_looked_at(own: str) -> None:
    env = orchestrated(**{"HTTP_PROXY": "http://proxy.example", own: "internal.example,.corp"})
    for name in ("NO_PROXY", "no_proxy"):
        assert set(env[name].split(",")) == {"internal.example", ".corp", *LOOPBACK}


def test_exceptions_are_not_repeated() -> None:
    env = orchestrated(NO_PROXY="a.example,::1", no_proxy="a.example, localhost")
    again = orchestrated(**env)
    for name in ("NO_PROXY", "no_proxy"):
        assert sorted(env[name].split(",")) == sorted({"a.example", *LOOPBACK})
        assert again[name] == env[name]


def test_what_no_settings_may_change_is_pinned() -> None:
    """The token goes with events past any proxy, and with telemetry to the daemon only."""
    exceptions = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost,::1")
    assert pinned_environment(4711) == {**exceptions, **ENDPOINTS}
    pinned = pinned_environment(4711, {"NO_PROXY": ".corp"}, telemetry=False)
    assert set(pinned) == {"NO_PROXY", "no_proxy"}
    assert set(pinned["no_proxy"].split(",")) == {".corp", *LOOPBACK}


def test_the_users_environment_is_not_changed() -> None:
    base = {**BASE, "HTTP_PROXY": "x", "_PYI_X": "y"}
    before = dict(base)
    orchestrated_environment(base, sealed_set(), Path("/tmp"))
    assert base == before
