"""The dashboard in a real, headless Chromium, against a real daemon."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as BrowserError

from tests.conftest import TIMEOUT_S, Sandbox

CHROMIUM = os.environ.get("CCO_TEST_CHROMIUM") or shutil.which("chromium")
NEEDS_CHROMIUM = "Chromium is not installed. On Debian, as root: apt-get install chromium"
AXE = Path(__file__).parents[2] / ".cache/web/node_modules/axe-core/axe.min.js"
NEEDS_AXE = "axe-core is not fetched: python build/web_parts.py fetch"
WIDTHS = (360, 768, 1280)
"""A phone; a tablet, or a window at twice its size; a desktop."""
TIMEOUT_MS = TIMEOUT_S * 1000
expect.set_options(timeout=TIMEOUT_MS)

_OBSERVE = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@dataclass
class Visitor:
    """A browser of its own, and what went wrong in it."""

    context: BrowserContext
    page: Page
    wrong: list[str] = field(default_factory=list)
    """Console errors, exceptions, reports of the content security policy."""

    def watch(self, page: Page) -> Page:
        page.set_default_timeout(TIMEOUT_MS)
        page.on("console", lambda one: self.wrong.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        return page

    def sign_in(self, place: Sandbox) -> None:
        """As `cco dashboard` does it."""
        self.page.goto(place.ok("dashboard", "--print-url").strip())
        self.is_live()

    def is_live(self) -> None:
        expect(self.page.locator("#connection")).to_have_text("Live")

    def go(self, address: str) -> None:
        """Go to a view, and wait until it has what it shows."""
        self.page.evaluate("address => { location.hash = address }", address)
        expect(self.page.locator("main")).not_to_contain_text("Loading…")

    def cost(self, label: str) -> str:
        """The exact dollars of a figure at the top of a view."""
        place = self.page.locator(".figures > div", has=self.page.get_by_text(label, exact=True))
        return place.locator("data").get_attribute("value") or ""

    def forgive(self, *words: str) -> None:
        """Forget errors that a test has made on purpose; any other stays."""
        self.wrong = [one for one in self.wrong if not any(word in one for word in words)]


MakeVisitor = Callable[..., Visitor]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for the tests of a module, with a home of its own. The event loop that drives it
    must not outlive them: others run one of their own."""
    if CHROMIUM is None:
        pytest.skip(NEEDS_CHROMIUM)
    home = str(tmp_path_factory.mktemp("chromium"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox"],  # tests may run as root, and open nothing but our own page
            env={"HOME": home, "PATH": os.environ["PATH"], "TMPDIR": home, "TZ": "UTC"},
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[MakeVisitor]:
    """Make visitors; nothing may have gone wrong with any of them. A test names its daemon first:
    what is named last ends first, and a page must not outlive what serves it."""
    visitors: list[Visitor] = []

    def make(width: int = 1280, scheme: str = "light") -> Visitor:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="UTC",
        )
        context.add_init_script(_OBSERVE)
        visitor = Visitor(context, context.new_page())
        visitor.watch(visitor.page)
        visitors.append(visitor)
        return visitor

    yield make
    for visitor in visitors:
        with suppress(BrowserError):  # a test may have closed it
            visitor.context.close()
    assert [visitor.wrong for visitor in visitors] == [[] for _ in visitors]


@pytest.fixture
def visitor(visit: MakeVisitor, daemon: Sandbox) -> Visitor:
    """A visitor that is signed in."""
    one = visit()
    one.sign_in(daemon)
    return one


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's program."""
    if not AXE.is_file():
        pytest.skip(NEEDS_AXE)
    return AXE.read_text()
