"""Debian's Prometheus reads the daemons as docs/team.md says, and tells the figures of the API.

The configurations in docs/team are run as they are, with other addresses, folders and intervals.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from tests.collector import Collector
from tests.conftest import Sandbox, free_port, make_sandbox, wait_until
from tests.integration.test_metrics import KINDS, nanos, work

ROOT = Path(__file__).parents[2]
TEAM = ROOT / "docs" / "team"
FETCHED = ROOT / ".cache" / "prometheus"
DASHBOARD = json.loads((TEAM / "grafana-dashboard.json").read_text())
NEEDS_PROMETHEUS = "there is no Prometheus: make bootstrap fetches it where there is apt"
QUICK = "200ms"
IN_GRAFANA = {
    "$instance": ".*",
    "$__rate_interval": "1m",
    "$__interval": "15s",
    "$__range": "1h",
}


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=FETCHED)
    if found is None:
        pytest.skip(NEEDS_PROMETHEUS)
    return found


@dataclass
class Prometheus:
    """A running Prometheus."""

    port: int
    process: subprocess.Popen[bytes]

    def get(self, path: str, **parameters: str) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", f"{path}?{urlencode(parameters)}" if parameters else path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an instant query finds."""
        status, body = self.get("/api/v1/query", query=expression)
        document = json.loads(body)
        assert status == 200, document
        assert document["status"] == "success", document
        result: list[dict[str, Any]] = document["data"]["result"]
        return result

    def by(self, label: str, expression: str) -> dict[str, float]:
        rows = self.query(f"sum by ({label}) ({expression})")
        return {row["metric"].get(label, ""): float(row["value"][1]) for row in rows}

    def only(self, expression: str) -> float | None:
        rows = self.query(expression)
        return float(rows[0]["value"][1]) if len(rows) == 1 else None

    def catch_up(self, instance: str = ".*") -> None:
        """Wait until every figure of a daemon is newer than now: they come in pieces."""
        now, which = time.time(), f'{{job="cco",instance=~"{instance}"}}'

        def is_new() -> bool:
            names = {row["metric"]["__name__"] for row in self.query(which)}
            oldest = (self.only(f"min(timestamp({name}{which}))") for name in names)
            return "cco_build_info" in names and all(at is not None and at > now for at in oldest)

        wait_until(is_new, "the daemon's latest figures in Prometheus")


def start(stack: ExitStack, folder: Path, config: str, *options: str) -> Prometheus:
    """Run Prometheus until the test ends."""
    folder.mkdir()
    path = folder / "prometheus.yml"
    path.write_text(config)
    for _ in range(3):  # somebody else may take the port meanwhile
        port = free_port()
        output = stack.enter_context((folder / "output").open("wb"))
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={path}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
                *options,
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"HOME": str(folder), "PATH": os.environ["PATH"]},
        )
        stack.callback(end, process)
        made = Prometheus(port, process)
        wait_until(
            lambda made=made: made.process.poll() is not None or made.get("/-/ready")[0] == 200,  # type: ignore[misc]
            "a Prometheus that is ready",
        )
        if process.poll() is None:
            return made
    raise AssertionError((folder / "output").read_text())


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def agent_config(metrics: Path, server: Prometheus) -> str:
    """The machine's configuration of the documents, for this test."""
    text = (TEAM / "prometheus-agent.yml").read_text()
    for old, new in (
        ("/home/you/.local/state/cco/metrics", str(metrics)),
        ("https://prometheus.example.com", f"http://127.0.0.1:{server.port}"),
        ("15s", QUICK),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


@dataclass
class Team:
    """Two daemons, an agent beside each, and the server of them all."""

    sandboxes: list[Sandbox]
    server: Prometheus

    def instance(self, sandbox: Sandbox) -> str:
        (target,) = json.loads((sandbox.home / "metrics" / "cco-targets.json").read_text())
        return str(target["labels"]["instance"])


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    program("prometheus")
    folder = tmp_path_factory.mktemp("team")
    with ExitStack() as stack:
        collector = Collector()
        stack.callback(collector.close)
        server = start(
            stack,
            folder / "server",
            (TEAM / "prometheus.yml").read_text().replace("8889", str(free_port())),
            "--web.enable-remote-write-receiver",
            "--storage.tsdb.path=data",
        )
        sandboxes = []
        for name in ("one", "two"):
            sandbox = make_sandbox("source", folder / name)
            stack.callback(sandbox.close)
            sandbox.configure(
                f'[metrics]\nfolder = "~/metrics"\n[forward]\nurl = "{collector.url}"\n'
            )
            sandbox.ok("daemon", "start")
            work(sandbox)
            config = agent_config(sandbox.home / "metrics", server)
            options = ("--enable-feature=agent", "--storage.agent.path=data")
            start(stack, folder / f"agent-{name}", config, *options)
            sandboxes.append(sandbox)
        made = Team(sandboxes, server)
        for sandbox in sandboxes:
            server.catch_up(made.instance(sandbox))
        yield made


@pytest.mark.slow
def test_the_figures_are_those_of_the_api(team: Team) -> None:
    for sandbox in team.sandboxes:
        usage = sandbox.request("GET", "/api/v1/usage").json()
        agents = {row["agent"]: row for row in usage["agents"]}
        ours = f'instance="{team.instance(sandbox)}"'
        cost = f"cco_cost_usd_total{{{ours}}}"
        by_agent = {name: row["cost_usd"] for name, row in agents.items()}
        assert nanos(team.server.by("agent", cost)) == nanos(by_agent)
        by_model = {row["model"]: row["cost_usd"] for row in usage["models"]}
        assert nanos(team.server.by("model", cost)) == nanos(by_model)
        total = round(usage["total"]["cost_usd"] * 1e9)
        assert round((team.server.only(f"sum({cost})") or 0) * 1e9) == total
        kinds = {kind: usage["total"][f"{kind}_tokens"] for kind in KINDS}
        assert team.server.by("kind", f"cco_tokens_total{{{ours}}}") == kinds
        calls = {name: row["calls"] for name, row in agents.items()}
        assert team.server.by("agent", f"cco_model_calls_total{{{ours}}}") == calls
        tools = {name: row["tool_calls"] for name, row in agents.items() if row["tool_calls"]}
        assert team.server.by("agent", f"cco_tool_calls_total{{{ours}}}") == tools


@pytest.mark.slow
def test_machines_and_teams_are_told_apart(team: Team) -> None:
    instances = {team.instance(sandbox) for sandbox in team.sandboxes}
    assert len(instances) == 2
    rows = team.server.query("cco_build_info")
    assert {row["metric"]["instance"] for row in rows} == instances
    assert {row["metric"]["team"] for row in rows} == {"platform"}
    assert {row["metric"]["job"] for row in rows} == {"cco"}


EXPRESSIONS = [
    (panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]
]


@pytest.mark.slow
@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS)
def test_every_panel_of_the_dashboard_shows_something(
    team: Team, title: str, expression: str
) -> None:
    for name, value in IN_GRAFANA.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    wait_until(lambda: team.server.query(expression), f"something in {title}")


@pytest.mark.slow
def test_a_daemon_that_starts_anew_is_found_by_itself(team: Team) -> None:
    sandbox = team.sandboxes[1]
    instance = team.instance(sandbox)
    token = sandbox.sealed().settings.token
    up = f'up{{instance="{instance}"}}'
    sandbox.ok("daemon", "stop")
    wait_until(lambda: team.server.query(up) == [], "a target that is given up")
    sandbox.ok("daemon", "start")
    assert sandbox.sealed().settings.token != token
    work(sandbox)
    team.server.catch_up(team.instance(sandbox))
    assert team.server.only(f'up{{instance="{team.instance(sandbox)}"}}') == 1
    runs = f'sum(cco_agent_runs_total{{instance="{team.instance(sandbox)}"}})'
    assert team.server.only(runs) == 8


# --- what needs no server ---


def test_promtool_finds_nothing_amiss(served: Sandbox) -> None:
    work(served)
    check = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=served.request("GET", "/metrics").body,
        capture_output=True,
        check=False,
    )
    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-agent.yml"])
def test_promtool_accepts_the_configurations(name: str) -> None:
    options = ["--agent"] if "agent" in name else []
    subprocess.run(
        [program("promtool"), "check", "config", "--syntax-only", *options, str(TEAM / name)],
        check=True,
        capture_output=True,
    )


def test_the_dashboard_is_in_order() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + across, place["y"] + down)
            for across in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] in {"stat", "timeseries", "bargauge", "table"}
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references) >= 1
    variables = {one["name"] for one in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource", "instance"}


def test_every_metric_is_in_the_document() -> None:
    text = (ROOT / "docs" / "team.md").read_text()
    used = set(re.findall(r"\b(?:cco|process)_[a-z_]+", json.dumps(DASHBOARD["panels"])))
    assert used
    for name in used:
        assert f"`{name.removesuffix('_bucket')}`" in text, name


def test_the_collectors_configuration_is_whole() -> None:
    config = yaml.safe_load((TEAM / "otel-collector.yml").read_text())
    used = {kind: set() for kind in ("receivers", "processors", "exporters")}  # type: ignore[var-annotated]
    for pipeline in config["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            used[kind].update(names)
    for kind, names in used.items():
        assert names == set(config[kind])
    assert set(config["service"]["extensions"]) == set(config["extensions"])
