"""Coming in with a code, going out, and what is left of it after the daemon was restarted."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import MakeVisitor, Visitor
from tests.browser.scenes import team
from tests.conftest import Sandbox

ASKED = "Sign in"


def asked_to_sign_in(visitor: Visitor) -> None:
    expect(visitor.page.get_by_role("heading", name=ASKED)).to_be_visible()
    expect(visitor.page.locator("#connection")).to_have_text("Signed out")


def test_a_code_signs_in_and_leaves_no_trace_in_the_address(
    visit: MakeVisitor, daemon: Sandbox
) -> None:
    visitor = visit()
    visitor.sign_in(daemon)
    assert visitor.page.url == f"http://127.0.0.1:{daemon.sealed().settings.port}/"
    (cookie,) = visitor.context.cookies()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    assert daemon.sealed().settings.token not in visitor.page.content()
    visitor.page.reload()
    visitor.is_live()
    tab = visitor.watch(visitor.context.new_page())
    tab.goto(visitor.page.url)
    expect(tab.locator("#connection")).to_have_text("Live")


def test_a_code_works_once(visit: MakeVisitor, daemon: Sandbox) -> None:
    url = daemon.ok("dashboard", "--print-url").strip()
    first, second = visit(), visit()
    first.page.goto(url)
    first.is_live()
    second.page.goto(url)
    expect(second.page.locator("main")).to_contain_text("unknown, used or too old")
    asked_to_sign_in(second)
    first.page.reload()  # a code that came twice was seen by a stranger, who may have been first
    asked_to_sign_in(first)
    for one in (first, second):
        one.forgive("403", "401")


def test_without_a_code_nothing_is_shown(visit: MakeVisitor, daemon: Sandbox) -> None:
    team(daemon, "hidden-from-strangers", "/home/ada/secret-project")
    visitor = visit()
    visitor.page.goto(f"http://127.0.0.1:{daemon.sealed().settings.port}/")
    asked_to_sign_in(visitor)
    expect(visitor.page.locator("main")).to_contain_text("cco dashboard")
    assert "secret-project" not in visitor.page.content()
    visitor.forgive("401")


def test_a_cookie_alone_opens_nothing(visitor: Visitor) -> None:
    """Every program that serves another port of this host is sent the cookie."""
    visitor.page.evaluate("localStorage.clear()")
    visitor.page.reload()
    asked_to_sign_in(visitor)
    visitor.forgive("401")


def test_signing_out(visitor: Visitor) -> None:
    visitor.go("#/daemon")
    visitor.page.get_by_role("button", name="Sign out").click()
    asked_to_sign_in(visitor)
    assert visitor.context.cookies() == []
    visitor.page.reload()
    asked_to_sign_in(visitor)
    visitor.forgive("401")


def test_a_tab_goes_on_once_another_has_signed_in(visitor: Visitor, daemon: Sandbox) -> None:
    visitor.go("#/daemon")
    tab = visitor.watch(visitor.context.new_page())
    tab.goto(visitor.page.url)
    expect(tab.locator("#connection")).to_have_text("Live")
    tab.get_by_role("button", name="Sign out").click()
    asked_to_sign_in(visitor)
    tab.goto(daemon.ok("dashboard", "--print-url").strip())
    expect(tab.locator("#connection")).to_have_text("Live")
    visitor.is_live()
    visitor.forgive("401")


def test_after_a_restart_the_page_says_what_to_do_and_goes_on(
    source_sandbox: Sandbox, visit: MakeVisitor
) -> None:
    place = source_sandbox
    place.ok("daemon", "start")
    visitor = visit()
    visitor.sign_in(place)
    place.ok("daemon", "restart")
    asked_to_sign_in(visitor)
    tab = visitor.watch(visitor.context.new_page())
    tab.goto(place.ok("dashboard", "--print-url").strip())
    expect(tab.locator("#connection")).to_have_text("Live")
    visitor.is_live()
    place.ok("daemon", "stop")
    expect(visitor.page.locator("#connection")).to_have_text("Not connected, trying again")
    expect(visitor.page.get_by_role("heading", name="Nothing has run yet")).to_be_visible()
    expect(visitor.page.locator("main")).to_contain_text("The daemon does not answer")
    expect(visitor.page.locator(".figures")).to_contain_text("no answer")
    place.ok("daemon", "start", "--port", str(place.port))
    asked_to_sign_in(visitor)
    visitor.forgive("ERR_", "401")


def test_without_the_stream_the_page_looks_for_itself(visitor: Visitor, daemon: Sandbox) -> None:
    stream = "**/api/v1/events"
    visitor.page.route(stream, lambda route: route.abort())
    visitor.page.reload()
    expect(visitor.page.locator("#connection")).to_have_text("Not connected, trying again")
    daemon.hook("SessionStart", "while-away", source="startup", cwd="/home/ada/while-away")
    expect(visitor.page.locator("main")).to_contain_text("while-away")
    visitor.page.unroute(stream)
    visitor.is_live()
    visitor.forgive("ERR_")
