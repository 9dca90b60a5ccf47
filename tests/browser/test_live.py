"""What happens is on the page as it happens, and every figure is the daemon's own."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from cco.demo.model_api import Block, ModelRequest, text, tool_use
from cco.demo.scenario import specialist_of
from tests.browser.conftest import MakeVisitor, Visitor
from tests.browser.scenes import call, meeting, start_agent, team
from tests.conftest import Sandbox
from tests.e2e.conftest import MakeStage, one_stage
from tests.integration.test_http_hooks import send_logs

__all__ = ["one_stage"]


def test_a_session_appears_works_and_ends(visitor: Visitor, daemon: Sandbox) -> None:
    page = visitor.page
    daemon.hook("SessionStart", "appears", source="startup", cwd="/home/ada/appears")
    running = page.get_by_role("region", name="Running now")
    link = running.get_by_role("link", name="appears")
    expect(link).to_be_visible()
    start_agent(daemon, "appears", "appears-a", "rust-engineer", "look at the lifetimes")
    expect(running.get_by_role("rowheader", name="rust-engineer")).to_be_visible()
    call(daemon, "appears", 1, 0.125, agent_id="appears-a")
    expect(running.get_by_role("row", name="rust-engineer")).to_contain_text("$0.1250")
    link.click()
    agents = page.get_by_role("table", name="Agents", exact=True)
    expect(agents.get_by_role("row", name="rust-engineer")).to_contain_text("running")
    start_agent(
        daemon,
        "appears",
        "appears-b",
        "database-engineer",
        "look at the queries",
        parent="appears-a",
    )
    expect(agents.get_by_role("rowheader", name="database-engineer")).to_contain_text(
        "started by rust-engineer"
    )
    timeline = page.get_by_role("table", name="Timeline")
    expect(timeline.get_by_role("row").nth(1)).to_contain_text("Agent")
    call(daemon, "appears", 2, 0.0625)
    expect(timeline.get_by_role("row").nth(1)).to_contain_text("model call")
    expect(page.locator(".figures")).to_contain_text("$0.1875")
    assert visitor.cost("Cost") == "0.1875"
    daemon.hook("SubagentStop", "appears", agent_id="appears-a", agent_type="cco:rust-engineer")
    expect(agents.locator("tr", has_text="look at the lifetimes")).to_contain_text("done")
    daemon.hook("SessionEnd", "appears", reason="prompt_input_exit")
    expect(agents.locator("tr", has_text="look at the queries")).to_contain_text("no end heard")
    expect(page.locator(".facts").first).to_contain_text("ended")


def test_who_waits_for_the_person_is_said_until_it_is_answered(
    visitor: Visitor, daemon: Sandbox
) -> None:
    page = visitor.page
    call = {"tool_name": "Bash", "tool_input": {"command": "make SECRET"}}
    daemon.hook("SessionStart", "asks", source="startup", cwd="/home/ada/asks")
    start_agent(daemon, "asks", "asks-a", "rust-engineer", "look at the lifetimes")
    by = {"agent_id": "asks-a"}
    daemon.hook("PreToolUse", "asks", **by, **call, tool_use_id="asks-1")
    daemon.hook("PermissionRequest", "asks", **by, **call)
    asked = page.get_by_role("region", name="Needs attention").locator("li", has_text="asks")
    expect(asked).to_contain_text(re.compile(r"rust-engineer has waited \d+ s for you"))
    expect(asked).to_contain_text("to go on with Bash. Answer in its terminal.")
    running = page.get_by_role("region", name="Running now")
    expect(running.get_by_role("row", name="rust-engineer")).to_contain_text("waiting")
    expect(running.get_by_role("row", name="asks")).to_contain_text("waits for you")
    asked.get_by_role("link", name="asks").click()
    agents = page.get_by_role("table", name="Agents", exact=True)
    expect(agents.get_by_role("row", name="rust-engineer")).to_contain_text("waiting")
    expect(agents.get_by_role("row", name="(session itself)")).to_contain_text("running")
    timeline = page.get_by_role("table", name="Timeline")
    expect(timeline.get_by_role("row").nth(1)).to_contain_text("waits for you")
    daemon.hook("PostToolUse", "asks", **by, **call, tool_use_id="asks-1")
    expect(agents.get_by_role("row", name="rust-engineer")).to_contain_text("running")
    answered = timeline.locator("tr", has_text="no longer waits")
    expect(answered).to_contain_text(re.compile(r"Bash, after \d+ s"))
    assert "SECRET" not in page.content()
    visitor.go("#/")
    expect(running.get_by_role("row", name="rust-engineer")).to_contain_text("running")
    expect(page.locator(".attention li", has_text="asks")).to_have_count(0)


def test_why_a_call_failed_is_in_the_timeline(visitor: Visitor, daemon: Sandbox) -> None:
    daemon.hook("SessionStart", "fails", source="startup", cwd="/home/ada/fails")
    start_agent(daemon, "fails", "fails-a", "rust-engineer", "look at the lifetimes")
    failure = {"event__name": "api_error", "session__id": "fails", "error": "SECRET"}
    figures = {"status_code": 529, "attempt": 2, "model": "opus", "agent_id": "fails-a"}
    send_logs(daemon, {**failure, **figures, "event__sequence": 1})
    send_logs(daemon, {**failure, "event__sequence": 2})
    visitor.go("#/sessions/fails")
    page = visitor.page
    page.get_by_role("button", name="Problems").click()
    rows = page.get_by_role("table", name="Timeline").get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("no answer from the API")
    expect(rows.nth(2)).to_contain_text("HTTP 529, overloaded; opus; attempt 2")
    expect(rows.nth(2)).to_contain_text("rust-engineer")
    assert "SECRET" not in page.content()


def test_every_figure_is_the_apis(visitor: Visitor, daemon: Sandbox) -> None:
    team(daemon, "figures", "/home/ada/figures")
    usage = daemon.request("GET", "/api/v1/usage").json()
    visitor.go("#/costs")
    page = visitor.page
    expect(page.locator(".figures data").first).to_have_attribute(
        "value", str(usage["total"]["cost_usd"])
    )
    for label, kind, rows in (
        ("Cost by agent", "agent", usage["agents"]),
        ("Cost by model", "model", usage["models"]),
    ):
        table = page.get_by_role("table", name=label)
        shown = {
            row.locator("th").inner_text(): row.locator("data").get_attribute("value")
            for row in table.locator("tbody tr").all()
        }
        assert {name: float(value or "nan") for name, value in shown.items()} == {
            row[kind]: row["cost_usd"] for row in rows
        }
        total = table.locator("tfoot data").get_attribute("value")
        assert float(total or "nan") == usage["total"]["cost_usd"]


def test_edits_notes_and_budgets_appear(visitor: Visitor, daemon: Sandbox) -> None:
    team(daemon, "meeting", str(daemon.project))
    visitor.go("#/coordination")
    meeting(daemon, "meeting", str(daemon.project))
    page = visitor.page
    expect(page.get_by_role("table", name="Files being edited")).to_contain_text("cart.py")
    conflicts = page.get_by_role("table", name="Latest conflicts")
    expect(conflicts).to_contain_text("database-engineer was editing it")
    expect(page.locator(".notes")).to_contain_text("The cart total is computed twice")
    page.reload()
    expect(conflicts).to_contain_text("database-engineer was editing it")
    visitor.go("#/costs")
    expect(page.get_by_role("table", name="Budgets")).to_contain_text("86 %, nearly used up")


def test_what_others_wrote_is_shown_as_text(visitor: Visitor, daemon: Sandbox) -> None:
    nasty = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>'
    daemon.hook("SessionStart", "nasty", source="startup", cwd=f"/home/{nasty}", model=nasty)
    start_agent(daemon, "nasty", "nasty-a", nasty, nasty)
    daemon.request("POST", "/api/v1/notes", {"text": nasty, "project": "/p", "author": nasty})
    visitor.go("#/sessions/nasty")
    expect(visitor.page.locator("main")).to_contain_text("onerror")
    visitor.go("#/coordination")
    expect(visitor.page.locator(".notes")).to_contain_text(nasty)
    assert visitor.page.evaluate("window.hurt") is None
    assert visitor.page.locator("main img, main script").count() == 0


def test_the_real_client_works_and_the_page_shows_it(
    one_stage: MakeStage, visit: MakeVisitor
) -> None:
    def script(request: ModelRequest) -> list[Block]:
        if specialist_of(request) is not None:
            return [text("The debugger has looked.")]
        if request.tool_results():
            return [text("Done.")]
        task = {"subagent_type": "cco:debugger", "description": "look at it", "prompt": "Look."}
        return [tool_use("Agent", task)]

    scene = one_stage(script)
    scene.sandbox.ok("daemon", "start")
    visitor = visit()
    visitor.sign_in(scene.sandbox)
    told = scene.ask("-p", "Ask the debugger.")
    page = visitor.page
    recent = page.get_by_role("table", name="Recent sessions")
    expect(recent.get_by_role("row").nth(1)).to_contain_text("ended")
    usage = scene.json("usage")
    expect(page.locator(".figures data").nth(1)).to_have_attribute(
        "value", str(usage["total"]["cost_usd"])
    )
    assert abs(usage["total"]["cost_usd"] - float(told["total_cost_usd"])) < 1e-8
    recent.get_by_role("link").first.click()
    expect(page.get_by_role("table", name="Agents", exact=True)).to_contain_text("debugger")
    expect(page.get_by_role("table", name="Agents", exact=True)).to_contain_text("done")
    expect(page.locator(".scroller")).to_contain_text("model call")
