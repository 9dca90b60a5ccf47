"""The dashboard in Chromium, light and dark, with the figures of a day's work in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser import scenes
from tests.browser.conftest import CHROMIUM
from tests.conftest import Sandbox

SCHEMES = ("light", "dark")
SESSION = "3bcd0ac8-dd3c-4547-9c67-a68e21581c34"
OTHERS = {
    "7f21c9aa-0b7e-4c55-8d5e-2f6f0c1d9e10": "/home/ada/docs",
    "c04e88d1-5a3c-4e09-9f0a-6f1f2b7c4a55": "/home/ada/api",
}
VIEWS = {"overview": ("#/overview", 640), "session": (f"#/sessions/{SESSION}", 740)}
"""Where each is, and how much of it is shown, in pixels from the top."""
WIDTH = 1280


def work(place: Sandbox) -> None:
    """Three sessions, the same events that the tests of the dashboard send, and what they cost."""
    for number, (session_id, project) in enumerate(OTHERS.items()):
        scenes.team(place, session_id, project)
        for call in range(12):
            scenes.call(place, session_id, 100 + call, 0.031 + number / 50, model=scenes.SONNET)
        place.hook("SessionEnd", session_id, reason="exit")
    scenes.team(place, SESSION, "/home/ada/shop")
    for call in range(20):
        helper = ("lead", "db", "test")[call % 3]
        model = scenes.OPUS if helper == "lead" else scenes.SONNET
        scenes.call(
            place, SESSION, 200 + call, 0.042 + call / 900, model=model,
            agent_id=f"{SESSION}-{helper}",
        )  # fmt: skip
    scenes.meeting(place, SESSION, "/home/ada/shop")
    place.ok("budget", "set", "1.50", "--session", SESSION)


@contextmanager
def open_dashboard(place: Sandbox, scheme: str, home: Path) -> Iterator[Page]:
    """A browser that is signed in, as `cco dashboard` does it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox"],  # may run as root, and opens nothing but our own page
            env={"HOME": str(home), "PATH": os.environ["PATH"], "TMPDIR": str(home), "TZ": "UTC"},
        )
        context = browser.new_context(
            viewport={"width": WIDTH, "height": max(height for _, height in VIEWS.values())},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="UTC",
        )
        page = context.new_page()
        page.goto(place.ok("dashboard", "--print-url").strip())
        page.get_by_text("Live", exact=True).wait_for()
        yield page
        browser.close()


def show(page: Page, view: str) -> str:
    """Go to a view, wait until it has what it shows, and return its text."""
    address, height = VIEWS[view]
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.evaluate("address => { location.hash = address }", address)
    main = page.locator("main")
    main.locator("h1, h2").first.wait_for()
    expect(main).not_to_contain_text("Loading…")
    return main.inner_text()
