"""GET /metrics of a running daemon, and the files by which a Prometheus finds it."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from cco.claude.bridge import EVENTS
from cco.daemon.telemetry.scrape_files import TARGETS, TOKEN
from tests.conftest import Sandbox, wait_until
from tests.integration.test_http_api import assert_problem

KINDS = ("input", "output", "cache_read", "cache_creation")
Figures = dict[tuple[tuple[str, str], ...], float]


def record(session: str, sequence: int, agent_id: str, model: str, usd: str) -> dict[str, Any]:
    """One call of the model, as the client tells it."""
    attributes = {
        "event.name": "api_request",
        "event.sequence": str(sequence),
        "session.id": session,
        "model": model,
        "cost_usd": usd,
        "input_tokens": str(1000 + sequence),
        "output_tokens": str(10 + sequence),
        "cache_read_tokens": str(5 * sequence),
        "cache_creation_tokens": "7",
        "duration_ms": "1250",
    } | ({"agent_id": agent_id} if agent_id else {})
    return {
        "attributes": [
            {"key": key, "value": {"stringValue": text}} for key, text in attributes.items()
        ]
    }


def work(sandbox: Sandbox) -> None:
    """Two sessions with four agents over three models."""
    for session in ("one", "two"):
        sandbox.hook("SessionStart", session, cwd="/home/somebody/secret-project")
        records = [record(session, 0, "", "claude-opus", "0.123456789")]
        for number, name in enumerate(
            ("debugger", "chief-architect", "debugger", "own \\ agent"), 1
        ):
            agent: Mapping[str, str] = {"agent_id": f"a{number}", "agent_type": f"cco:{name}"}
            sandbox.hook("SubagentStart", session, **agent)
            sandbox.hook("PostToolUse", session, tool_name="Bash", **agent)
            model = ("claude-opus", "claude-sonnet", "claude-haiku")[number % 3]
            records.append(record(session, number, f"a{number}", model, f"0.00{number}"))
            if number != 4:
                sandbox.hook("SubagentStop", session, **agent)
        sandbox.hook("PostCompact", session)
        body = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
        assert sandbox.request("POST", "/v1/logs", body).status == 200
    sandbox.hook("SessionEnd", "two")


def scrape(sandbox: Sandbox) -> dict[str, Figures]:
    """Samples by name, each by its labels."""
    answer = sandbox.request("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, Figures] = {}
    for family in parse_text(answer.body.decode()):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {})
            found[sample.name][labels] = sample.value
    return found


def summed(figures: Figures, name: str) -> dict[str, float]:
    """Sums by one label."""
    sums: dict[str, float] = {}
    for labels, value in figures.items():
        key = dict(labels)[name]
        sums[key] = sums.get(key, 0) + value
    return sums


def nanos(figures: Mapping[str, float]) -> dict[str, int]:
    return {key: round(usd * 1e9) for key, usd in figures.items()}


@pytest.fixture(scope="module")
def worked(served: Sandbox) -> Sandbox:
    work(served)
    return served


def test_every_figure_is_that_of_the_api_and_of_the_sum_by_hand(worked: Sandbox) -> None:
    found, usage = scrape(worked), worked.request("GET", "/api/v1/usage").json()
    by_hand = {"claude-opus": 2 * (123_456_789 + 3_000_000), "claude-sonnet": 2 * 5_000_000,
               "claude-haiku": 2 * 2_000_000}  # fmt: skip
    cost = found["cco_cost_usd_total"]
    assert nanos(summed(cost, "model")) == by_hand
    assert by_hand == {row["model"]: round(row["cost_usd"] * 1e9) for row in usage["models"]}
    agents = {row["agent"]: row for row in usage["agents"]}
    assert nanos(summed(cost, "agent")) == nanos(
        {name: row["cost_usd"] for name, row in agents.items()}
    )
    assert nanos(summed(cost, "agent"))["debugger"] == 2 * (1_000_000 + 3_000_000)
    tokens = found["cco_tokens_total"]
    for kind in KINDS:
        assert summed(tokens, "kind")[kind] == usage["total"][f"{kind}_tokens"]
    assert summed(tokens, "kind")["input"] == 2 * (5 * 1000 + 10)
    assert summed(found["cco_model_calls_total"], "agent") == {
        name: row["calls"] for name, row in agents.items()
    }
    assert sum(found["cco_model_call_seconds_total"].values()) == 10 * 1.25
    assert summed(found["cco_tool_calls_total"], "agent") == {
        name: row["tool_calls"] for name, row in agents.items() if row["tool_calls"]
    }
    runs = {"debugger": 4, "chief-architect": 2, "own \\ agent": 2}
    assert summed(found["cco_agent_runs_total"], "agent") == runs
    assert summed(found["cco_agents_running"], "agent") == {"own \\ agent": 1}
    assert found["cco_sessions"][("status", "running"),] == 1
    assert found["cco_sessions"][("status", "ended"),] == 1
    assert found["cco_sessions_started_total"] == {(): 2}
    assert found["cco_compactions_total"] == {(): 2}
    assert found["cco_api_errors_total"] == {(): 0}


def test_requests_are_counted_by_handler_and_never_by_path(worked: Sandbox) -> None:
    before = scrape(worked)["cco_hook_requests_total"]
    worked.hook("Stop", "one")
    for target in ("/hooks/Nonsense", "/hooks/SecretPath"):
        worked.request("POST", target, {"session_id": "one"})
    worked.request("GET", "/secret-path")
    found = scrape(worked)
    hooks = summed(found["cco_hook_requests_total"], "handler")
    assert hooks["Stop"] == before.get((("handler", "Stop"),), 0) + 1
    assert hooks["other"] == before.get((("handler", "other"),), 0) + 2
    assert set(hooks) <= {*EVENTS, "StatusLine", "other"}
    counts = summed(found["cco_http_request_duration_seconds_count"], "handler")
    assert counts["HookHandler"] == sum(hooks.values())
    assert counts["NotFoundHandler"] >= 1
    assert all(name.isidentifier() for name in counts)
    buckets = found["cco_http_request_duration_seconds_bucket"]
    for labels, count in buckets.items():
        if dict(labels)["le"] == "+Inf":
            assert count == counts[dict(labels)["handler"]]


def test_the_daemon_tells_of_itself(worked: Sandbox) -> None:
    found = scrape(worked)
    (labels,) = found["cco_build_info"]
    version = json.loads(worked.ok("version", "--json"))
    assert dict(labels)["version"] == version["version"]
    assert found["process_resident_memory_bytes"][()] > 1 << 20
    assert found["process_start_time_seconds"][()] > 1_700_000_000
    assert found["process_cpu_seconds_total"][()] > 0


def test_nothing_private_is_in_it(worked: Sandbox) -> None:
    body = worked.request("GET", "/metrics").body.decode()
    for private in ("secret", "/home", worked.sealed().settings.token, str(worked.root), '"one"'):
        assert private not in body


def test_openmetrics_says_the_same(worked: Sandbox) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    answer = worked.request("GET", "/metrics", headers={"Accept": accept})
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.headers["content-type"] == kind
    families = parse_openmetrics(answer.body.decode())  # type: ignore[no-untyped-call]
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }
    plain = scrape(worked)
    for name in ("cco_cost_usd_total", "cco_tokens_total", "cco_sessions", "cco_build_info"):
        for labels, value in plain[name].items():
            assert found[(name, *labels)] == value


def test_it_takes_the_token(worked: Sandbox) -> None:
    assert_problem(worked.request("GET", "/metrics", token=False), 401)
    wrong = {"Authorization": "Bearer wrong"}
    assert_problem(worked.request("GET", "/metrics", headers=wrong, token=False), 401)
    assert_problem(worked.request("POST", "/metrics", {}), 405)


# --- the files of a Prometheus ---


def test_address_and_token_are_kept_in_the_folder_that_the_user_names(sandbox: Sandbox) -> None:
    sandbox.configure('[metrics]\nfolder = "~/for prometheus"\n')
    folder = sandbox.home / "for prometheus"
    sandbox.ok("daemon", "start")
    settings = sandbox.sealed().settings
    assert sorted(path.name for path in folder.iterdir()) == [TARGETS, TOKEN]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (folder / TOKEN).read_text() == settings.token
    (target,) = json.loads((folder / TARGETS).read_text())
    assert target["targets"] == [f"localhost:{settings.port}"]
    assert target["labels"]["instance"].endswith(f":{settings.port}")

    sandbox.ok("daemon", "restart")
    assert (folder / TOKEN).read_text() == settings.token, "a restart keeps it"
    sandbox.ok("daemon", "stop")
    assert list(folder.iterdir()) == []
    sandbox.ok("daemon", "start")
    assert (folder / TOKEN).read_text() == sandbox.sealed().settings.token != settings.token


def test_they_are_gone_after_a_signal(source_sandbox: Sandbox) -> None:
    source_sandbox.configure('[metrics]\nfolder = "~/metrics"\n')
    source_sandbox.ok("daemon", "start")
    (daemon,) = source_sandbox.daemon_processes()
    daemon.terminate()
    folder = source_sandbox.home / "metrics"
    wait_until(lambda: not source_sandbox.daemon_processes(), "the daemon's end")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("kind", ["file", "open to others", "link", "below what is open to others"])
def test_a_folder_that_cannot_be_used_holds_nothing_up(source_sandbox: Sandbox, kind: str) -> None:
    place = source_sandbox.home / "place"
    if kind == "file":
        place.write_text("mine")
    elif kind == "open to others":
        place.mkdir()
        place.chmod(0o777)
    elif kind == "below what is open to others":
        place.mkdir(mode=0o700)
        source_sandbox.home.chmod(0o777)
    else:
        (source_sandbox.home / "elsewhere").mkdir(mode=0o700)
        place.symlink_to("elsewhere")
    source_sandbox.configure('[metrics]\nfolder = "~/place"\n')
    source_sandbox.ok("daemon", "start")
    assert "WARNING metrics.folder" in source_sandbox.log()
    assert kind == "file" or list(place.iterdir()) == []
    source_sandbox.ok("daemon", "stop")
    assert place.is_file() == (kind == "file")


def test_without_the_setting_the_token_is_nowhere(served: Sandbox) -> None:
    token = served.sealed().settings.token.encode()
    for path in [*served.home.rglob("*"), *served.temp.rglob("*")]:
        if path.is_file():
            assert token not in path.read_bytes(), path


@pytest.mark.parametrize("text", ['folder = "here"', "folder = 3", "", 'folder = "/x"\nport = 1'])
def test_a_setting_that_cannot_work_is_refused(source_sandbox: Sandbox, text: str) -> None:
    source_sandbox.configure(f"[metrics]\n{text}\n")
    result = source_sandbox.run("daemon", "start")
    assert result.code == 10
    assert "metrics" in result.err
