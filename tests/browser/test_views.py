"""Every view at three widths, light and dark: whole, reachable, and without a fault of axe-core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import WIDTHS, MakeVisitor, Visitor
from tests.browser.scenes import meeting, team
from tests.conftest import Sandbox

Look = tuple[int, str]
LOOKS = [(width, scheme) for width in WIDTHS for scheme in ("light", "dark")]
VIEWS = {
    "overview": "#/",
    "sessions": "#/sessions",
    "session": "#/sessions/shown",
    "costs": "#/costs",
    "coordination": "#/coordination",
    "daemon": "#/daemon",
    "unknown-session": "#/sessions/nobody",
}
_FAULTS = """
async () => (await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa",
  "wcag22aa", "best-practice"]})).violations.map((one) =>
  [one.id, one.help, ...one.nodes.map((node) => node.html + node.failureSummary)])
"""


@pytest.fixture(scope="module")
def busy(daemon: Sandbox) -> Sandbox:
    """A daemon that has something to show in every view."""
    team(daemon, "shown", str(daemon.project))
    team(daemon, "over", "/home/ada/website")
    meeting(daemon, "shown", str(daemon.project))
    daemon.hook("SessionEnd", "over", reason="prompt_input_exit")
    return daemon


def faults(visitor: Visitor, axe: str) -> Any:
    """What axe-core finds; it comes in past the policy that keeps foreign scripts out."""
    client = visitor.context.new_cdp_session(visitor.page)
    client.send("Runtime.evaluate", {"expression": axe})
    return visitor.page.evaluate(_FAULTS)


_CROWDED = """
() => [...document.querySelectorAll(".scrolls, .scroller")].flatMap((place) => {
  const name = place.getAttribute("aria-label");
  const heads = [...place.querySelectorAll("tbody th")].filter((head) => head.checkVisibility());
  return [
    ...(place.scrollWidth > place.clientWidth ? [`${name}: cut off at the right`] : []),
    ...(heads.some((head) => head.clientWidth < 80) ? [`${name}: no room for names`] : []),
  ];
})
"""


def is_whole(visitor: Visitor) -> None:
    """Nothing sticks out sideways, neither of the page nor of a table, and names have room."""
    page = visitor.page
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{wide} px too wide"
    assert page.evaluate(_CROWDED) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_every_view_is_whole(
    visit: MakeVisitor, busy: Sandbox, axe: str, tmp_path: Path, look: Look
) -> None:
    visitor = visit(*look)
    visitor.sign_in(busy)
    for name, address in VIEWS.items():
        visitor.go(address)
        expect(visitor.page.locator("h1")).to_be_attached()
        is_whole(visitor)
        visitor.page.screenshot(path=tmp_path / f"{name}-{look[0]}-{look[1]}.png", full_page=True)
        assert faults(visitor, axe) == [], name


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_nothing_to_show_is_said_in_words(
    source_sandbox: Sandbox, visit: MakeVisitor, axe: str, tmp_path: Path, look: Look
) -> None:
    source_sandbox.ok("daemon", "start")
    visitor = visit(*look)
    visitor.sign_in(source_sandbox)
    for name, address in VIEWS.items():
        visitor.go(address)
        if name not in ("costs", "daemon"):
            expect(visitor.page.locator(".empty").first).to_be_visible()
        is_whole(visitor)
        assert faults(visitor, axe) == [], name
    visitor.go("#/daemon")
    visitor.page.get_by_role("button", name="Sign out").click()
    expect(visitor.page.get_by_role("heading", name="Sign in")).to_be_visible()
    is_whole(visitor)
    visitor.page.screenshot(path=tmp_path / f"signed-out-{look[0]}-{look[1]}.png")
    assert faults(visitor, axe) == []


def test_what_needs_attention_is_said_on_the_first_page(visit: MakeVisitor, busy: Sandbox) -> None:
    visitor = visit()
    visitor.sign_in(busy)
    page = visitor.page
    attention = page.get_by_role("region", name="Needs attention")
    expect(attention).to_contain_text("Budget nearly used up")
    expect(attention).to_contain_text("cco budget set USD --session shown")
    expect(attention).to_contain_text("cart.py: edited at once by database-engineer in shown")
    running = page.get_by_role("table", name="Running sessions and their agents")
    expect(running).to_contain_text("1 edit conflict · 86 % of its budget")
    attention.get_by_role("link", name="cart.py").click()
    conflicts = page.get_by_role("table", name="Latest conflicts")
    expect(conflicts.get_by_role("row", name="cart.py")).to_contain_text("warned")


def test_the_most_expensive_session_is_found(visit: MakeVisitor, busy: Sandbox) -> None:
    cheap = {"source": "startup", "cwd": "/home/ada/cheap"}
    busy.hook("SessionStart", "cheap", **cheap)
    visitor = visit()
    visitor.sign_in(busy)
    visitor.go("#/sessions")
    page = visitor.page
    first = page.locator(".scroller a").first
    expect(first).to_contain_text("cheap")
    page.get_by_role("button", name="Most expensive first").click()
    expect(first).not_to_contain_text("cheap")
    costs = [
        float(one.get_attribute("value") or "nan") for one in page.locator(".scroller data").all()
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]
    busy.hook("SessionEnd", "cheap", reason="other")


def test_the_timeline_says_what_happened(visit: MakeVisitor, busy: Sandbox) -> None:
    visitor = visit()
    visitor.sign_in(busy)
    visitor.go("#/sessions/shown")
    timeline = visitor.page.get_by_role("table", name="Timeline")
    for what, details in (
        ("agent done", "measure the first paint"),
        ("edit conflict", "cart.py: database-engineer was editing it; warned"),
        ("budget set", "of $0.10 (86 %) of the session's budget"),
        ("tool failed", "Bash"),
    ):
        expect(timeline.locator("tr", has_text=what).first).to_contain_text(details)


def test_time_goes_on_while_nothing_happens(visitor: Visitor) -> None:
    visitor.go("#/daemon")
    uptime = visitor.page.locator(".figures > div", has_text="Uptime").locator("dd")
    before = uptime.inner_text()
    expect(uptime).not_to_have_text(before)


def test_everything_is_reached_by_keyboard(visit: MakeVisitor, busy: Sandbox) -> None:
    visitor = visit()
    visitor.sign_in(busy)
    page = visitor.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("link", name="Sessions", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_title("Sessions · cco")
    page.get_by_role("searchbox").fill("website")
    expect(page.locator("#shown")).to_have_text("1 session")
    page.get_by_role("searchbox").fill("")
    links = page.locator(".scroller a")
    expect(links.nth(1)).to_be_visible()
    links.first.focus()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    page.get_by_role("button", name="Problems").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Problems")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(page).to_have_title("Sessions · cco")


def test_focus_stays_where_it_is_while_figures_change(visit: MakeVisitor, busy: Sandbox) -> None:
    visitor = visit()
    visitor.sign_in(busy)
    link = visitor.page.get_by_role("region", name="Running now").get_by_role("link").first
    link.focus()
    busy.hook("SessionStart", "later", source="startup", cwd="/home/ada/later")
    expect(visitor.page.get_by_role("table", name="Recent sessions")).to_contain_text("later")
    expect(visitor.page.locator("main a:focus")).to_have_count(1)


def test_charts_have_their_figures_as_a_table(visit: MakeVisitor, busy: Sandbox) -> None:
    visitor = visit()
    visitor.sign_in(busy)
    visitor.go("#/costs")
    page = visitor.page
    expect(page.locator(".chart canvas")).to_be_visible()
    expect(page.get_by_role("img", name="Cost over time")).to_be_visible()
    page.get_by_text("Show the figures as a table").click()
    figures = page.get_by_role("table", name="Cost over time, figures")
    expect(figures.get_by_role("row")).to_have_count(25)
    for name, rows in (("7 days", 169), ("30 days", 31)):
        page.get_by_role("button", name=name).click()
        expect(figures.get_by_role("row")).to_have_count(rows)
        expect(page.locator(".chart canvas")).to_have_count(1)
