"""The real client's work on the page: every figure is the sum by hand."""

from __future__ import annotations

from decimal import Decimal

from playwright.sync_api import Page, expect

from cco.demo.scenario import specialist_of
from cco.ledger.totals import MAIN
from tests.browser.conftest import MakeVisitor
from tests.collector import Collector
from tests.conftest import wait_until
from tests.e2e.conftest import MakeStage, one_stage
from tests.e2e.test_figures import KINDS, TWELVE, Twelve, calls_in, cost_of

__all__ = ["one_stage"]


def rows(page: Page, label: str) -> dict[str, tuple[Decimal, int, int]]:
    """Cost, calls and tokens by name, the table's foot among them."""
    found = {}
    for row in page.get_by_role("table", name=label, exact=True).locator("tbody tr").all():
        cost = row.locator("data").get_attribute("value") or ""
        calls = row.locator("td.number").nth(1).inner_text()
        tokens = row.locator("td.number span[title]").get_attribute("title") or ""
        numbers = [int(one.replace(",", "")) for one in (calls, tokens)]
        found[row.locator("th").inner_text()] = (Decimal(cost), numbers[0], numbers[1])
    return found


def test_the_page_tells_the_sum_by_hand(one_stage: MakeStage, visit: MakeVisitor) -> None:
    scene = one_stage(Twelve())
    with Collector() as collector:
        scene.sandbox.configure(f'[forward]\nurl = "{collector.url}"\n')
        scene.sandbox.ok("daemon", "start")
        visitor = visit()
        visitor.sign_in(scene.sandbox)
        told = scene.ask("-p", "Ask the twelve.", "--allowedTools", "Bash(echo:*)")
        wait_until(
            lambda: len(calls_in(collector.received)) == len(scene.requests),
            "all calls at the collector",
        )
    calls = calls_in(collector.received)
    total = cost_of(calls)
    tokens = {
        one.number: sum(
            getattr(scene.model.usages[one.number - 1], theirs) for theirs in KINDS.values()
        )
        for one in scene.requests
    }
    page = visitor.page
    for address in ("#/costs", f"#/sessions/{told['session_id']}"):
        visitor.go(address)
        figure = page.locator(".figures > div", has=page.get_by_text("Cost", exact=True))
        expect(figure.locator("data")).to_have_attribute("value", f"{total.normalize():f}")

    visitor.go("#/costs")
    by_agent = rows(page, "Cost by agent")
    assert set(by_agent) == {MAIN, *TWELVE}
    for name in (MAIN, *TWELVE):
        who = None if name == MAIN else name
        numbers = [one.number for one in scene.requests if specialist_of(one) == who]
        assert by_agent[name][1:] == (len(numbers), sum(tokens[one] for one in numbers)), name
    assert sum(cost for cost, _, _ in by_agent.values()) == total

    by_model = rows(page, "Cost by model")
    assert len(by_model) == 3
    for model, (cost, count, _) in by_model.items():
        mine = [one for one in calls if one["model"] == model]
        assert (cost, count) == (cost_of(mine), len(mine)), model
    assert sum(one for _, _, one in by_model.values()) == sum(tokens.values())

    visitor.go(f"#/sessions/{told['session_id']}")
    agents = page.get_by_role("table", name="Agents", exact=True)
    for name in TWELVE:
        row = agents.locator("tr", has=page.get_by_role("rowheader", name=name))
        expect(row).to_contain_text("done")
        shown = row.locator("data").get_attribute("value") or ""
        assert Decimal(shown) == by_agent[name][0], name
