"""The real client's work as a team's Prometheus shows it."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

from cco.demo.scenario import specialist_of
from cco.ledger.totals import MAIN
from tests.collector import Collector
from tests.conftest import wait_until
from tests.e2e.conftest import MakeStage
from tests.e2e.test_figures import KINDS, TWELVE, Twelve, calls_in, cost_of
from tests.integration.test_metrics import nanos
from tests.integration.test_metrics_prometheus import agent_config, start


def test_prometheus_tells_the_sum_by_hand(one_stage: MakeStage, tmp_path: Path) -> None:
    scene = one_stage(Twelve())
    place = scene.sandbox
    with ExitStack() as stack:
        collector = stack.enter_context(Collector())
        place.configure(f'[metrics]\nfolder = "~/metrics"\n[forward]\nurl = "{collector.url}"\n')
        options = ("--web.enable-remote-write-receiver", "--storage.tsdb.path=data")
        server = start(stack, tmp_path / "server", "", *options)
        config = agent_config(place.home / "metrics", server)
        agent_options = ("--enable-feature=agent", "--storage.agent.path=data")
        start(stack, tmp_path / "agent", config, *agent_options)
        scene.ask("-p", "Ask the twelve.", "--allowedTools", "Bash(echo:*)")
        wait_until(
            lambda: len(calls_in(collector.received)) == len(scene.requests),
            "all calls at the collector",
        )
        server.catch_up()
        everything = "sum(cco_model_calls_total)"
        wait_until(lambda: server.only(everything) == len(scene.requests), "all calls shown")

        calls = calls_in(collector.received)
        assert server.only(everything) == len(calls) > len(TWELVE)
        cost = server.only("sum(cco_cost_usd_total)")
        assert cost is not None
        assert round(cost * 1e9) == cost_of(calls) * 10**9
        models = {str(one["model"]) for one in calls}
        by_model = {
            model: int(cost_of([one for one in calls if one["model"] == model]) * Decimal(10**9))
            for model in models
        }
        assert nanos(server.by("model", "cco_cost_usd_total")) == by_model
        assert len(models) == 3
        for name in (MAIN, *TWELVE):
            who = None if name == MAIN else name
            numbers = [one.number for one in scene.requests if specialist_of(one) == who]
            for ours, theirs in KINDS.items():
                kind = ours.removesuffix("_tokens")
                by_hand = sum(getattr(scene.model.usages[one - 1], theirs) for one in numbers)
                query = f'sum(cco_tokens_total{{agent="{name}",kind="{kind}"}})'
                assert server.only(query) == by_hand, (name, kind)
        assert server.by("agent", "cco_agent_runs_total") == dict.fromkeys(TWELVE, 1)
        assert server.query("cco_agents_running") == []
