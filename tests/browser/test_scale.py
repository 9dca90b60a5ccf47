"""Very many sessions and events: only what is in sight is drawn, and all of it can be reached."""

from __future__ import annotations

from collections.abc import Iterable

from playwright.sync_api import expect

from cco.ledger.feed import MAX_EVENTS
from cco.ledger.ledger import MAX_SESSIONS
from tests.browser.conftest import MakeVisitor
from tests.conftest import Sandbox
from tests.integration.test_http_hooks import attributes

MOST_ROWS = 80


def calls(place: Sandbox, session_ids: Iterable[str], first: int) -> None:
    """A model call of each session, in one export."""
    records = [
        {
            "attributes": attributes(
                event__name="api_request",
                session__id=session_id,
                event__sequence=number,
                model="claude-sonnet-4-7",
                input_tokens=100,
                output_tokens=10,
                cost_usd=0.001,
            )
        }
        for number, session_id in enumerate(session_ids, first)
    ]
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    assert place.request("POST", "/v1/logs", document).status == 200


def test_a_long_timeline_scrolls_to_its_end(source_sandbox: Sandbox, visit: MakeVisitor) -> None:
    source_sandbox.ok("daemon", "start")
    source_sandbox.hook("SessionStart", "long", source="startup", cwd="/home/ada/long")
    for first in range(0, MAX_EVENTS - 1, 1_111):
        calls(source_sandbox, ["long"] * 1_111, first)
    visitor = visit()
    visitor.sign_in(source_sandbox)
    visitor.go("#/sessions/long")
    page = visitor.page
    expect(page.locator("#events")).to_have_text("10,000 events")
    table = page.locator(".scroller table")
    expect(table).to_have_attribute("aria-rowcount", "10001")
    assert page.locator(".scroller tbody tr").count() < MOST_ROWS
    page.locator(".scroller").focus()
    page.keyboard.press("End")
    expect(page.locator(".scroller tr[aria-rowindex='10001']")).to_contain_text("session started")
    assert page.locator(".scroller tbody tr").count() < MOST_ROWS
    middle = page.evaluate(
        "() => { const one = document.querySelector('.scroller'); one.scrollTop = 180000;"
        " return one.scrollTop; }"
    )
    assert middle == 180_000
    seen = page.locator(".scroller tr[aria-rowindex='5010']")
    expect(seen).to_be_visible()
    before = seen.evaluate("row => row.getBoundingClientRect().top")
    calls(source_sandbox, ["long"] * 3, 20_000)
    moved = page.locator(".scroller tr[aria-rowindex='5013']")
    expect(page.locator("#events")).to_have_text("10,003 events")
    assert moved.evaluate("row => row.getBoundingClientRect().top") == before


def test_a_thousand_sessions_are_found(source_sandbox: Sandbox, visit: MakeVisitor) -> None:
    source_sandbox.ok("daemon", "start")
    calls(source_sandbox, [f"session-{number:04}" for number in range(MAX_SESSIONS)], 0)
    visitor = visit()
    visitor.sign_in(source_sandbox)
    visitor.go("#/sessions")
    page = visitor.page
    expect(page.locator(".scroller table")).to_have_attribute("aria-rowcount", "1001")
    assert page.locator(".scroller tbody tr").count() < MOST_ROWS
    page.locator(".scroller").focus()
    page.keyboard.press("End")
    expect(page.locator(".scroller tr[aria-rowindex='1001'] a")).to_be_visible()
    page.get_by_role("searchbox").fill("session-0999")
    expect(page.locator("#shown")).to_have_text("1 session")
    expect(page.locator(".scroller a")).to_have_count(1)
